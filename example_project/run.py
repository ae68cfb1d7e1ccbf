#!/usr/bin/env python3
"""Make a new environment, install, migrate, and walk through the demo.

python3 example_project/run.py [--django 5.2] [--serve]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv-demo"


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description="Install the example and run its demo."
    )
    parser.add_argument("--django", metavar="VERSION", help="such as 5.2 (newest)")
    parser.add_argument(
        "--serve",
        action="store_true",
        help="serve the pages on http://127.0.0.1:8000 instead of the demo",
    )
    return parser.parse_args()


def run(*command: object) -> None:
    """Run a command; end with its exit code when it fails."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def new_environment() -> Path:
    """Return the Python of a new virtual environment with a current pip."""
    print(f"Making {FOLDER} ...", flush=True)
    venv.EnvBuilder(clear=True, with_pip=True).create(FOLDER)
    scripts = FOLDER / ("Scripts" if sys.platform == "win32" else "bin")
    python = scripts / "python"
    run(python, "-m", "pip", "install", "--quiet", "--upgrade", "pip>=25.1")
    return python


def main() -> None:
    """Install, migrate, and run the demo or serve."""
    if sys.version_info < (3, 11):
        sys.exit("Python 3.11 or later is needed.")
    arguments = read_arguments()
    python = new_environment()
    django = [f"django=={arguments.django}.*"] if arguments.django else []
    run(python, "-m", "pip", "install", "--quiet", f"{ROOT}[example]", *django)
    manage = (python, ROOT / "example_project" / "manage.py")
    run(*manage, "migrate", "--verbosity=1")
    if arguments.serve:
        run(*manage, "runserver", "--noreload", "127.0.0.1:8000")
    else:
        run(*manage, "demo")


if __name__ == "__main__":
    main()
