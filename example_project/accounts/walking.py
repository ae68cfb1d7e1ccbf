"""A client that shows what it asks, what it gets, and what arrives on the phone."""

import json
import re
import socket
import time
from collections.abc import Callable
from http import HTTPStatus
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

from django.core.management.color import Style

#: How long a server may take to start, or a message to arrive, in seconds.
PATIENCE = 10


class MissingMessage(Exception):
    """A message did not arrive, and nothing after it can be tried."""


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, *, alive: Callable[[], bool]) -> None:
    """Wait until a server answers; raises ``OSError`` when it won't."""
    deadline = time.monotonic() + PATIENCE
    while alive() and time.monotonic() < deadline:
        try:
            build_opener().open(url, timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise OSError(f"no server at {url}")


class Walker:
    """One visitor with a cookie jar; counts what was expected and what differed."""

    def __init__(self, *, url: str, write: Callable[[str], object], style: Style):
        self.url = url
        self.write = write
        self.style = style
        self.cookies = CookieJar()
        self.opener = build_opener(HTTPCookieProcessor(self.cookies))
        self.expectations = 0
        self.surprises = 0
        self.read: set[int] = set()

    def title(self, text: str) -> None:
        """Begin a chapter."""
        self.write("\n" + self.style.MIGRATE_HEADING(text))

    def get(self, path: str, **expected: Any) -> dict[str, Any]:
        """Get, show and judge an answer."""
        return self._show(Request(self.url + path), "", **expected)  # noqa: S310 (loopback)

    def post(
        self, path: str, body: dict[str, str], *, form: bool = False, **expected: Any
    ) -> dict[str, Any]:
        """Post, show and judge an answer."""
        text = urlencode(body) if form else json.dumps(body)
        kind = "x-www-form-urlencoded" if form else "json"
        headers = {"Content-Type": f"application/{kind}", **self._csrf()}
        request = Request(self.url + path, text.encode(), headers)  # noqa: S310 (loopback)
        return self._show(request, text, **expected)

    def _csrf(self) -> dict[str, str]:
        token = next((c.value for c in self.cookies if c.name == "csrftoken"), None)
        return {"X-CSRFToken": token} if token else {}

    def _open(self, request: Request) -> tuple[HTTPStatus, dict[str, Any]]:
        try:
            with self.opener.open(request, timeout=PATIENCE) as answer:
                return HTTPStatus(answer.status), json.load(answer)
        except HTTPError as error:
            with error:
                return HTTPStatus(error.code), json.load(error)

    def _show(
        self,
        request: Request,
        text: str,
        *,
        expect: HTTPStatus,
        holds: dict[str, Any] | None = None,
        why: str = "",
    ) -> dict[str, Any]:
        status, data = self._open(request)
        self.write(f"\n  -> {request.get_method()} {request.selector} {text}")
        self.write(f"  <- {status.value} {status.phrase} {json.dumps(data)}")
        wanted = {**data, **(holds or {})}
        self.expect(
            status == expect and data == wanted,
            why or f"{expect.value} {expect.phrase}",
        )
        return data

    def expect(self, held: bool, what: str) -> None:  # noqa: FBT001 (the fact itself)
        """Count and show whether something is as it should be."""
        self.expectations += 1
        self.surprises += not held
        mark = self.style.SUCCESS("ok") if held else self.style.ERROR("NOT SO")
        self.write(f"     {mark}: {what}")

    def _messages(self) -> list[dict[str, Any]]:
        _status, data = self._open(Request(f"{self.url}/gateway/messages"))  # noqa: S310 (loopback)
        return [m for m in data["messages"] if m["id"] not in self.read]

    def receive(self, phone: str) -> str:
        """Wait for the next message to a phone, show it, and return its token."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for message in self._messages():
                if message["to"] == phone:
                    self.read.add(message["id"])
                    self.write(f"  ** SMS to {phone}: {message['body']}")
                    self.expect(len(message["body"]) <= 160, "one segment")  # noqa: PLR2004 (GSM-7)
                    return re.search(r"token=([\w-]+)", message["body"])[1]  # type: ignore[index]
            time.sleep(0.1)
        raise MissingMessage(f"No message reached {phone} within {PATIENCE} s.")

    def nothing_for(self, phone: str) -> None:
        """Expect that no message went to a phone."""
        silent = all(message["to"] != phone for message in self._messages())
        self.expect(silent, f"no SMS to {phone}")
