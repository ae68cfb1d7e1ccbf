"""The example project in a process of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support.parts import ROOT, free_port, stop, wait_for

MANAGE = ROOT / "example_project" / "manage.py"


def run_example(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the example; the caller checks the exit code."""
    clean = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    return subprocess.run(
        [sys.executable, str(MANAGE), *arguments],
        env={**clean, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@contextlib.contextmanager
def served_example() -> Iterator[str]:
    """Serve the example with a new database; yields the URL."""
    url = f"http://127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory() as folder:
        database = str(Path(folder) / "db.sqlite3")
        env = {"EXAMPLE_DATABASE": database, "EXAMPLE_URL": url}
        migrated = run_example("migrate", "--verbosity=0", **env)
        assert migrated.returncode == 0, migrated.stderr
        clean = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
        server = subprocess.Popen(
            [sys.executable, str(MANAGE), "runserver", "--noreload", url[7:]],
            env={**clean, **env},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(url + "/me", server)
            yield url
        finally:
            stop(server)
