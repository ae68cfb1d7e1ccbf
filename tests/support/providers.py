"""Providers on loopback: Twilio's and Vonage's message APIs, and your own.

It checks what they check (credentials, form or JSON, the numbers that Twilio
documents for tests) and can be told to fail, to hang and to hang up.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import http.server
import ipaddress
import json
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

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
#: The last digits of a number, and what Vonage says of it.
VONAGE_NUMBERS = {"15005550001": "1170", "15005550004": "1240", "15005550007": "1120"}


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the server is told to answer once."""

    status: int = 200
    content: Any = None
    headers: dict[str, str] = field(default_factory=dict)


#: Answers nothing, and keeps the connection.
HANG = Reply(status=0)
#: Ends the connection in good order, without an answer.
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
    """A server that is running; tests read ``received`` and fill ``script``."""

    def __init__(self, *, host: str, scheme: str, public_key: Any) -> None:
        self.host = host
        self.url = f"{scheme}://{host}"
        self.public_key = public_key
        self.received: list[Received] = []
        self.script: deque[Reply] = deque()
        self.closing = threading.Event()

    def will(self, *replies: Reply) -> None:
        self.script.extend(replies)

    def answer(self, request: Received) -> Reply:
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


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        gateway = self.server.gateway
        reply = gateway.answer(Received(path=self.path, headers=headers, body=body))
        self.close_connection = True
        if reply is HANG:
            gateway.closing.wait()
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
    gateway: Gateway
    daemon_threads = True

    def handle_error(self, *_args: object) -> None:
        """A client that gave up, or a connection that was reset, as told."""


@dataclass(frozen=True, kw_only=True)
class Keys:
    """A key pair, and a certificate that says it is 127.0.0.1."""

    private_pem: str
    public_key: Any
    key_file: Path
    certificate_file: Path


def make_keys(folder: Path) -> Keys:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    usage = x509.KeyUsage(
        **dict.fromkeys(
            (
                *("content_commitment", "key_encipherment", "data_encipherment"),
                *("key_agreement", "crl_sign", "encipher_only", "decipher_only"),
            ),
            False,
        ),
        digital_signature=True,
        key_cert_sign=True,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([loopback]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    private_pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    key_file, certificate_file = folder / "key.pem", folder / "certificate.pem"
    key_file.write_bytes(private_pem)
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Keys(
        private_pem=private_pem.decode(),
        public_key=key.public_key(),
        key_file=key_file,
        certificate_file=certificate_file,
    )


@contextlib.contextmanager
def running(keys: Keys, *, tls: bool = False) -> Iterator[Gateway]:
    server = _Server(("127.0.0.1", 0), _Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(keys.certificate_file, keys.key_file)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.gateway = Gateway(
        host=f"127.0.0.1:{server.server_port}",
        scheme="https" if tls else "http",
        public_key=keys.public_key,
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.gateway
    finally:
        server.gateway.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
