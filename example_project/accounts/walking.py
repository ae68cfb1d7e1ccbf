"""A client that prints requests, responses and the messages on the phone."""

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

#: The time limit for a server to start or a message to arrive, in seconds.
TIMEOUT = 10


class MissingMessage(Exception):
    """A message did not arrive, so the next steps cannot run."""


def free_port() -> int:
    """Return a free port on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, *, alive: Callable[[], bool]) -> None:
    """Wait until a server responds; raise ``OSError`` if it does not."""
    deadline = time.monotonic() + TIMEOUT
    while alive() and time.monotonic() < deadline:
        try:
            build_opener().open(url, timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise OSError(f"no server at {url}")


class Walker:
    """A visitor with a cookie jar; counts the expectations and the failed ones."""

    def __init__(self, *, url: str, write: Callable[[str], object], style: Style):
        self.url = url
        self.write = write
        self.style = style
        self.cookies = CookieJar()
        self.opener = build_opener(HTTPCookieProcessor(self.cookies))
        self.expectations = 0
        self.failures = 0
        self.received: set[int] = set()

    def title(self, text: str) -> None:
        """Print the title of a chapter."""
        self.write("\n" + self.style.MIGRATE_HEADING(text))

    def get(self, path: str, **expected: Any) -> dict[str, Any]:
        """Send a GET request; print and check the response."""
        return self._show(Request(self.url + path), "", **expected)  # noqa: S310 (loopback)

    def post(
        self, path: str, body: dict[str, str], *, form: bool = False, **expected: Any
    ) -> dict[str, Any]:
        """Send a POST request; print and check the response."""
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
            with self.opener.open(request, timeout=TIMEOUT) as response:
                return HTTPStatus(response.status), json.load(response)
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
        expected_data = {**data, **(holds or {})}
        self.expect(
            status == expect and data == expected_data,
            why or f"{expect.value} {expect.phrase}",
        )
        return data

    def expect(self, met: bool, text: str) -> None:  # noqa: FBT001 (the fact itself)
        """Count an expectation and print whether it is met."""
        self.expectations += 1
        self.failures += not met
        mark = self.style.SUCCESS("ok") if met else self.style.ERROR("FAILED")
        self.write(f"     {mark}: {text}")

    def _messages(self) -> list[dict[str, Any]]:
        _status, data = self._open(Request(f"{self.url}/gateway/messages"))  # noqa: S310 (loopback)
        return [m for m in data["messages"] if m["id"] not in self.received]

    def receive(self, phone: str) -> str:
        """Wait for the next message to a phone, print it, and return its token."""
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            for message in self._messages():
                if message["to"] == phone:
                    self.received.add(message["id"])
                    self.write(f"  ** SMS to {phone}: {message['body']}")
                    self.expect(len(message["body"]) <= 160, "one segment")  # noqa: PLR2004 (GSM-7)
                    return re.search(r"token=([\w-]+)", message["body"])[1]  # type: ignore[index]  # the message has a link
            time.sleep(0.1)
        raise MissingMessage(f"No message reached {phone} within {TIMEOUT} s.")

    def nothing_for(self, phone: str) -> None:
        """Expect that no message went to a phone."""
        none_sent = all(message["to"] != phone for message in self._messages())
        self.expect(none_sent, f"no SMS to {phone}")
