#!/usr/bin/env python3
"""Create an environment, install the example, migrate, and run its demo.

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
    """Run a command; exit with its code if it fails."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def new_environment() -> Path:
    """Create a virtual environment with a current pip; return its Python."""
    print(f"Creating {FOLDER} ...", flush=True)
    venv.EnvBuilder(clear=True, with_pip=True).create(FOLDER)
    scripts = FOLDER / ("Scripts" if sys.platform == "win32" else "bin")
    python = scripts / "python"
    run(python, "-m", "pip", "install", "--quiet", "--upgrade", "pip>=25.1")
    return python


def main() -> None:
    """Install, migrate, then run the demo or the server."""
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
