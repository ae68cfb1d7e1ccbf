"""Run the whole recipe over real HTTP, and print every step."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.walking import MissingMessage, Walker, free_port, wait_for

PHONE, NEW_PHONE, UNKNOWN = "+15551234567", "+15557654321", "+15550001111"
PASSWORD, NEW_PASSWORD = "a-strong-one", "a-new-strong-one"
LOGIN = {"username": "neo", "password": PASSWORD}


class Command(BaseCommand):
    """Serves this project on loopback with a fresh database, and calls its API."""

    help = (
        "Serve this project on loopback with a fresh database, and walk through "
        "register, log in, verify, reset and change. Fails if a response differs."
    )
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        with served(self.stdout.write) as url:
            walker = Walker(url=url, write=self.stdout.write, style=self.style)
            walk(walker)
        if walker.failures:
            raise CommandError(
                f"{walker.failures} of {walker.expectations} expectations failed."
            )
        done = f"\nAll {walker.expectations} expectations held."
        self.stdout.write(self.style.SUCCESS(done))


@contextmanager
def served(write: Any) -> Iterator[str]:
    """Serve the project from another process, with a new migrated database."""
    url = f"http://127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory() as folder:
        env = {
            **os.environ,
            "EXAMPLE_DATABASE": str(Path(folder) / "demo.sqlite3"),
            "EXAMPLE_URL": url,
            "PYTHONUNBUFFERED": "1",
        }
        manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
        subprocess.run([*manage, "migrate", "--verbosity=0"], env=env, check=True)  # noqa: S603 (our own command)
        log = Path(folder) / "server.log"
        with log.open("wb") as output:
            command = [*manage, "runserver", "--noreload", url.partition("//")[2]]
            server = subprocess.Popen(command, env=env, stdout=output, stderr=output)  # noqa: S603 (our own command)
        try:
            wait_for(url, alive=lambda: server.poll() is None)
            write(f"Serving on {url}, with the database {env['EXAMPLE_DATABASE']}.")
            yield url
        except OSError as error:
            raise CommandError(f"{error}\n{log.read_text()}") from error
        finally:
            server.terminate()
            server.wait()


def walk(walker: Walker) -> None:
    """Run every chapter; raise ``CommandError`` if a message does not arrive."""
    for chapter in (register_and_log_in, verify, reset, change_the_number):
        walker.title(chapter.__doc__ or "")
        try:
            chapter(walker)
        except MissingMessage as error:
            raise CommandError(str(error)) from error


def register_and_log_in(walker: Walker) -> None:
    """1. Register with a name and a number, and log in"""
    account = {**LOGIN, "phone": PHONE}
    walker.post("/register", account, expect=HTTPStatus.ACCEPTED)
    walker.receive(PHONE)
    walker.post(
        "/register", account, expect=HTTPStatus.BAD_REQUEST, why="the name is taken"
    )
    walker.get("/me", expect=HTTPStatus.UNAUTHORIZED, why="not logged in yet")
    walker.post(
        "/login",
        {**LOGIN, "password": "a-wrong-one"},
        expect=HTTPStatus.UNAUTHORIZED,
        why="the password is wrong",
    )
    walker.post("/login", LOGIN, form=True, expect=HTTPStatus.OK)
    walker.get("/me", expect=HTTPStatus.OK, holds={"phone_verified": False})


def verify(walker: Walker) -> None:
    """2. Verify the number: the members' endpoint before and after"""
    walker.get("/members", expect=HTTPStatus.FORBIDDEN, why="not verified yet")
    walker.post("/email/verify-request", {"phone": PHONE}, expect=HTTPStatus.OK)
    token = {"token": walker.receive(PHONE)}
    walker.post("/email/verify-confirm", token, expect=HTTPStatus.OK)
    walker.post(
        "/email/verify-confirm",
        token,
        expect=HTTPStatus.BAD_REQUEST,
        why="a token works once",
    )
    walker.get("/me", expect=HTTPStatus.OK, holds={"phone_verified": True})
    walker.get("/members", expect=HTTPStatus.OK)


def reset(walker: Walker) -> None:
    """3. Forget the password, and reset it over the phone"""
    request, confirm = "/password/reset-request", "/password/reset-confirm"
    known = walker.post(request, {"phone": PHONE}, expect=HTTPStatus.OK)
    token = {"token": walker.receive(PHONE)}
    walker.post(
        request,
        {"phone": UNKNOWN},
        expect=HTTPStatus.OK,
        holds=known,
        why="an unknown number gets the same response, and no message",
    )
    walker.post(
        confirm,
        {**token, "new_password": "short"},
        expect=HTTPStatus.BAD_REQUEST,
        why="a weak password leaves the token valid",
    )
    new = {**token, "new_password": NEW_PASSWORD}
    walker.post(confirm, new, expect=HTTPStatus.OK)
    walker.get("/me", expect=HTTPStatus.UNAUTHORIZED, why="the reset ended the session")
    walker.post(
        "/login", LOGIN, expect=HTTPStatus.UNAUTHORIZED, why="the old password is void"
    )
    walker.post(
        confirm, new, expect=HTTPStatus.BAD_REQUEST, why="the token is redeemed"
    )
    walker.post("/login", {**LOGIN, "password": NEW_PASSWORD}, expect=HTTPStatus.OK)
    walker.nothing_for(UNKNOWN)


def change_the_number(walker: Walker) -> None:
    """4. Change the number"""
    body = {"new_phone": NEW_PHONE, "password": NEW_PASSWORD}
    walker.post("/email/change-request", body, expect=HTTPStatus.OK)
    walker.get(
        "/me",
        expect=HTTPStatus.OK,
        holds={"phone": PHONE},
        why="the number stays until the new one is verified",
    )
    token = {"token": walker.receive(NEW_PHONE)}
    walker.post("/email/change-confirm", token, expect=HTTPStatus.OK)
    moved = {"phone": NEW_PHONE, "phone_verified": True}
    walker.get("/me", expect=HTTPStatus.OK, holds=moved)
    walker.post("/logout", {}, expect=HTTPStatus.OK)
    walker.get("/me", expect=HTTPStatus.UNAUTHORIZED)
