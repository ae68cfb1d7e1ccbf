"""Malformed HTTP, which no client library sends, against servers on PostgreSQL."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.client import PASSWORD
from tests.support.parts import SERVERS
from tests.support.site import new_user, site

pytestmark = pytest.mark.slow

PATHS = [
    "/register",
    "/login",
    "/logout",
    "/email/verify-request",
    "/email/verify-confirm",
    "/password/reset-request",
    "/password/reset-confirm",
    "/email/change-request",
    "/email/change-confirm",
    "/change-password",
]


@pytest.fixture(scope="module", params=SERVERS)
def live_site(request, databases, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wire")
    database = databases.fresh("postgresql")
    lockout = {"NETWORK_ATTEMPTS": 3}
    with site(
        request.param, database=database, folder=folder, CRUDAUTH_LOCKOUT=lockout
    ) as running:
        person = new_user()
        running.register(person)
        yield running


def send_bytes(url: str, raw: bytes) -> int:
    """Send bytes and return the status of the response."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), 30) as connection:
        connection.sendall(raw)
        status_line = connection.makefile("rb").readline()
    return int(status_line.split()[1])


def post(path: str, body: bytes, *headers: str, length: bool = True) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    if not any(line.lower().startswith("content-type") for line in headers):
        lines.append("Content-Type: application/json")
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def users(live_site):
    return live_site.rows("SELECT * FROM phone_user ORDER BY id")


@pytest.mark.parametrize("path", PATHS)
def test_malformed_bytes_are_refused_without_changes(live_site, path):
    before = users(live_site)
    chunked = b"7\r\n" + b'{"a":1}' + b"\r\n0\r\n\r\n"
    nul = b'{"username": "a\\u0000", "phone": "\\u0000", "token": "\\u0000"}'
    attempts = [
        post(path, b"", length=False),
        post(path, b""),
        post(path, b"{}", "Transfer-Encoding: identity"),
        post(path, chunked, "Transfer-Encoding: chunked", length=False),
        post(path, nul),
        post(path, b'{"username": "\xff"}'),
        post(path, b"{}", "Cookie: sessionid=" + "x" * 5000),
        post(path, b"{}", r'Cookie: sessionid="\000aaaaaaaaaaaa"'),
        post(path, b"{}", r'Cookie: sessionid="\377\376aaaaaaaaaa"; csrftoken="\000"'),
        post(path, b"{}", "X-Forwarded-For: \xff, \x01, 1.2.3.4.5"),
        post(path, b"{}", "X-Forwarded-For: " + "1.1.1.1," * 500),
        post(path, b"{}", "User-Agent: \xff\xfe"),
        post(path, b"{}", "Accept-Language: \xff" + "a-" * 300),
        post(path, b"{}", "Accept: text/html"),
        post(path, b"{}", "Origin: \xff", "Sec-Fetch-Site: \xff"),
        post(path, b"{}", "Content-Encoding: gzip"),
        post(path + "?format=html&%00=%ff", b"{}"),
    ]

    statuses = [send_bytes(live_site.url, raw) for raw in attempts]

    assert [status for status in statuses if not 400 <= status < 500] == []
    assert users(live_site) == before


def test_session_cookie_with_nul_is_refused(live_site):
    cookie = rb'Cookie: sessionid="\000aaaaaaaaaaaaaaa"'

    status = send_bytes(
        live_site.url, b"GET /me HTTP/1.1\r\nHost: localhost\r\n" + cookie + b"\r\n\r\n"
    )

    assert status == requests.codes.bad_request


def test_underscore_header_does_not_replace_forwarded_for(live_site):
    def guess(number: int) -> int:
        spoofed = {
            "X-Forwarded-For": "198.51.100.9",
            "X_Forwarded_For": f"10.7.7.{number}",
        }
        body = {"username": f"unknown{number}", "password": PASSWORD}
        url = live_site.url + "/login"
        return requests.post(url, json=body, headers=spoofed, timeout=60).status_code

    statuses = [guess(number) for number in range(5)]

    assert statuses[-1] == requests.codes.too_many_requests
