"""Providers on loopback, each behind the same server.

:class:`Gateway` speaks the message APIs of Twilio and Vonage, and that of an own
gateway. It checks credentials, form or JSON, and the numbers that Twilio documents
for tests. A script makes it fail, hang or close the connection.
:class:`Provider` counts the messages of sites in other processes. It can be down,
slow or busy.
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import socket
import ssl
import struct
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

import jwt

from tests.support.certificates import Keys
from tests.support.parts import free_port

ACCOUNT_SID = "AC" + "0" * 32
AUTH_TOKEN = "the-token-of-the-account"
VONAGE_KEY, VONAGE_SECRET = "a1b2c3d4", "the-secret-of-the-key"
APPLICATION_ID = "11111111-2222-3333-4444-555555555555"

#: https://www.twilio.com/docs/iam/test-credentials, and two more of their codes.
TWILIO_NUMBERS = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
    "+15005550007": 21606,
    "whatsapp:+15005550003": 63003,
}
#: Numbers that Vonage refuses, with the code of its error.
VONAGE_NUMBERS = {"15005550001": "1170", "15005550004": "1240", "15005550007": "1120"}


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One response of the server."""

    status: int = 200
    content: Any = None
    headers: dict[str, str] = field(default_factory=dict)


#: Sends no response, and keeps the connection open.
HANG = Reply(status=0)
#: Closes the connection without a response.
CLOSE = Reply(status=-1)
#: Resets the connection.
RESET = Reply(status=-2)


@dataclass(frozen=True, kw_only=True)
class Received:
    """A request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {k: v[0] for k, v in parse_qs(self.body.decode()).items()}

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Gateway:
    """Twilio, Vonage and an own gateway: tests read ``received``, fill ``script``."""

    def __init__(self, *, public_key: Any) -> None:
        self.host = self.url = ""
        self.public_key = public_key
        self.received: list[Received] = []
        self.script: deque[Reply] = deque()

    def will(self, *replies: Reply) -> None:
        self.script.extend(replies)

    def respond(self, request: Received) -> Reply:
        self.received.append(request)
        if self.script:
            return self.script.popleft()
        if request.path.startswith("/2010-04-01/"):
            return self._twilio(request)
        if request.path == "/v1/messages":
            return self._vonage(request)
        return Reply(status=HTTPStatus.OK, content={"id": "gw-1"})

    def _twilio(self, request: Received) -> Reply:
        if request.headers.get("authorization") != _basic(ACCOUNT_SID, AUTH_TOKEN):
            return _twilio_error(401, 20003, "Authenticate")
        form = request.form
        if code := TWILIO_NUMBERS.get(form.get("To", "")):
            return _twilio_error(400, code, f"The number {form['To']} is no good")
        if not ({"From", "MessagingServiceSid"} & set(form)):
            return _twilio_error(400, 21603, "A 'From' phone number is required.")
        if not ({"Body", "ContentSid"} & set(form)):
            return _twilio_error(400, 21619, "A text message body is required.")
        sid = "SM" + "a" * 32
        return Reply(status=201, content={"sid": sid, "error_code": None} | form)

    def _vonage(self, request: Received) -> Reply:
        if not self._knows(request.headers.get("authorization", "")):
            return _vonage_error(401, "unauthorized", "Invalid Token")
        message = request.json
        if code := VONAGE_NUMBERS.get(message.get("to", "")):
            return _vonage_error(422, f"messages#{code}", f"{message['to']} is no good")
        if not {"to", "from", "channel", "message_type"} <= set(message):
            return _vonage_error(422, "messages#1010", "Missing params")
        return Reply(status=202, content={"message_uuid": "aaaa-bbbb"})

    def _knows(self, authorization: str) -> bool:
        if authorization == _basic(VONAGE_KEY, VONAGE_SECRET):
            return True
        scheme, _space, token = authorization.partition(" ")
        try:
            claims = jwt.decode(token, self.public_key, algorithms=["RS256"])
        except jwt.InvalidTokenError:
            return False
        return scheme == "Bearer" and claims["application_id"] == APPLICATION_ID


def _basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


def _twilio_error(status: int, code: int, message: str) -> Reply:
    return Reply(
        status=status, content={"code": code, "message": message, "status": status}
    )


def _vonage_error(status: int, kind: str, detail: str) -> Reply:
    return Reply(
        status=status,
        content={
            "type": f"https://developer.vonage.com/api-errors/{kind}"
            if "#" in kind
            else f"https://developer.vonage.com/api-errors#{kind}",
            "title": "Refused",
            "detail": detail,
            "instance": "0c1d2e3f",
        },
    )


class Provider:
    """Counts messages; ``status`` and ``seconds`` say how it responds."""

    def __init__(self) -> None:
        self.url = f"http://127.0.0.1:{free_port()}/"
        self.accepted: list[dict] = []
        self.refused = 0
        self.status = HTTPStatus.OK
        self.seconds = 0.0
        #: Ends the wait of every request that hangs.
        self.release = threading.Event()
        self.hanging = 0
        self.most_at_once = 0
        self._lock = threading.Lock()

    def copies(self) -> Counter:
        """Count how often each message was accepted."""
        return Counter(message["id"] for message in self.accepted)

    def recipients(self) -> set[str]:
        return {message["to"] for message in self.accepted}

    def respond(self, request: Received) -> Reply:
        message = request.json
        with self._lock:
            self.hanging += 1
            self.most_at_once = max(self.most_at_once, self.hanging)
        self.release.wait(self.seconds)
        with self._lock:
            self.hanging -= 1
            status = self.status
            if status is HTTPStatus.OK:
                self.accepted.append(message)
            else:
                self.refused += 1
        busy = status is HTTPStatus.TOO_MANY_REQUESTS
        return Reply(
            status=status,
            content=f"SM{message['id'][:8]}".encode(),
            headers={"Retry-After": "1"} if busy else {},
        )


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Received(path=self.path, headers=headers, body=body)
        reply = self.server.respond(request)
        self.close_connection = True
        if reply is HANG:
            self.server.closing.wait()
        elif reply is RESET:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
        elif reply is not CLOSE:
            self._write(reply)

    def _write(self, reply: Reply) -> None:
        content = reply.content
        self.send_response(reply.status)
        if not isinstance(content, bytes):
            content = b"" if content is None else json.dumps(content).encode()
            self.send_header("Content-Type", "application/json")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: object) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, respond: Callable[[Received], Reply], *, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.respond = respond
        self.closing = threading.Event()

    def handle_error(self, *_args: object) -> None:
        """Ignore a client that is gone and a connection that was reset."""


@contextlib.contextmanager
def _running_server(server: _Server) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def running(keys: Keys, *, tls: bool = False) -> Iterator[Gateway]:
    """Run a gateway, over TLS or without."""
    gateway = Gateway(public_key=keys.public_key)
    server = _Server(gateway.respond)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(keys.certificate_file, keys.key_file)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    gateway.host = f"127.0.0.1:{server.server_port}"
    gateway.url = f"{'https' if tls else 'http'}://{gateway.host}"
    with _running_server(server):
        yield gateway


@contextlib.contextmanager
def serving(provider: Provider) -> Iterator[Provider]:
    """Run a provider; before and after, its address refuses connections."""
    port = int(provider.url.rstrip("/").rpartition(":")[2])
    with _running_server(_Server(provider.respond, port=port)):
        try:
            yield provider
        finally:
            provider.release.set()
