"""Enumeration: no response, and no sequence of responses, reveals other accounts."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crudauth_django.users import user_model
from tests.support.client import NEW_PASSWORD, PASSWORD

pytestmark = pytest.mark.django_db

HELD = "+12125550111"
UNVERIFIED = "+12125550112"
INACTIVE = "+12125550113"
FREE = "+12125550114"
#: A number in each state that responses must not reveal.
NUMBERS = [FREE, HELD, UNVERIFIED, INACTIVE]
#: Headers that differ by time or by chance alone.
VOLATILE = {"Date", "Expires", "Content-Length"}


@pytest.fixture(autouse=True)
def accounts(db, settings):
    """An account at every number but the free one."""
    settings.CRUDAUTH_TRUSTED_PROXIES = 1
    users = user_model().objects
    for name, phone in (
        ("verified", HELD),
        ("unverified", UNVERIFIED),
        ("inactive", INACTIVE),
    ):
        users.create_user(username=name, phone=phone, password=PASSWORD)
    users.filter(phone=HELD).update(phone_verified=True)
    users.filter(phone=INACTIVE).update(is_active=False)


def send(client: Client, path: str, body: dict[str, Any], address: str = "10.0.0.1"):
    return client.post(
        path, json.dumps(body), "application/json", HTTP_X_FORWARDED_FOR=address
    )


def transcript(response: Any, *own_values: str) -> tuple[Any, ...]:
    """Return a response in comparable form, with this visitor's own values masked."""
    body = response.content.decode()
    for word in own_values:
        body = body.replace(word, "·")
    headers = {k: v for k, v in response.headers.items() if k not in VOLATILE}
    cookies = {
        name: (morsel["path"], morsel["httponly"], morsel["samesite"], morsel["secure"])
        for name, morsel in response.cookies.items()
    }
    return response.status_code, body, headers, cookies


def statements(queries: CaptureQueriesContext) -> list[str]:
    """Name each statement and its table, in order."""
    queries_as_words = [query["sql"].split() for query in queries.captured_queries]
    tables = {"phone_user", "crudauth_counter", "django_session"}
    return [
        " ".join([line[0], *(w for w in (x.strip('"') for x in line) if w in tables)])
        for line in queries_as_words
    ]


@pytest.mark.parametrize("path", ["/email/verify-request", "/password/reset-request"])
def test_request_gets_same_response_for_every_number(path):
    seen = [
        transcript(send(Client(), path, {"phone": phone}, f"10.1.0.{number}"))
        for number, phone in enumerate(NUMBERS)
    ]

    assert seen[0][0] == HTTPStatus.OK
    assert seen == [seen[0]] * len(seen)


@pytest.mark.parametrize("path", ["/email/verify-request", "/password/reset-request"])
def test_request_does_not_query_user_table(path, settings):
    settings.CRUDAUTH_DISPATCHER = "tests.support.dispatchers.DiscardingDispatcher"

    for number, phone in enumerate(NUMBERS):
        with CaptureQueriesContext(connection) as queries:
            send(Client(), path, {"phone": phone}, f"10.2.0.{number}")

        assert not [s for s in statements(queries) if "phone_user" in s]


@pytest.mark.parametrize("path", ["/email/verify-request", "/password/reset-request"])
def test_request_writes_same_counters_for_every_number(path):
    # On SQLite, the next request waits for these writes: their number would
    # reveal an account.
    writes = []

    for number, phone in enumerate(NUMBERS):
        with CaptureQueriesContext(connection) as queries:
            send(Client(), path, {"phone": phone}, f"10.3.0.{number}")
        writes.append([s for s in statements(queries) if "crudauth_counter" in s])

    assert writes[0]
    assert writes == [writes[0]] * len(writes)


def test_failed_login_is_same_for_every_account_state():
    seen, executed = [], []

    for number, name in enumerate(["unknown", "verified", "unverified", "inactive"]):
        with CaptureQueriesContext(connection) as queries:
            response = send(
                Client(),
                "/login",
                {"username": name, "password": "a wrong one"},
                f"10.4.0.{number}",
            )
        seen.append(transcript(response))
        executed.append(statements(queries))

    assert seen[0][0] == HTTPStatus.UNAUTHORIZED
    assert seen == [seen[0]] * len(seen)
    assert executed == [executed[0]] * len(executed)


def test_right_password_of_inactive_account_fails_like_wrong():
    right = send(Client(), "/login", {"username": "inactive", "password": PASSWORD})
    wrong = send(
        Client(), "/login", {"username": "inactive", "password": "a wrong one"}
    )

    assert transcript(right) == transcript(wrong)


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("networks", [1, 8])
def test_unknown_username_is_locked_out_like_known(right, networks):
    seen = []

    for number, name in enumerate(["unknown", "verified", "inactive"]):
        passwords = ["a wrong one"] * 7 + [PASSWORD if right else "x"]
        responses = [
            send(
                Client(),
                "/login",
                {"username": name, "password": password},
                f"10.5.{number}.{time % networks}",
            )
            for time, password in enumerate(passwords)
        ]
        seen.append([response.status_code for response in responses])

    # Over several networks, the lock is silent.
    refused = HTTPStatus.TOO_MANY_REQUESTS if networks == 1 else HTTPStatus.UNAUTHORIZED
    assert seen[0] == [HTTPStatus.UNAUTHORIZED] * 5 + [refused] * 3
    assert seen == [seen[0]] * len(seen)


def test_registration_gets_same_response_for_every_number():
    seen, executed = [], []

    for number, phone in enumerate(NUMBERS):
        body = {"username": f"new{number}", "phone": phone, "password": PASSWORD}
        with CaptureQueriesContext(connection) as queries:
            response = send(Client(), "/register", body, f"10.6.0.{number}")
        seen.append(transcript(response))
        executed.append([s for s in statements(queries) if not s.startswith("SELECT")])

    assert seen[0][0] == HTTPStatus.ACCEPTED
    assert seen == [seen[0]] * len(seen)
    assert executed == [executed[0]] * len(executed)


def test_taken_username_gets_same_error_for_every_number():
    seen = [
        transcript(
            send(
                Client(),
                "/register",
                {"username": "verified", "phone": phone, "password": PASSWORD},
                f"10.7.0.{number}",
            )
        )
        for number, phone in enumerate(NUMBERS)
    ]

    assert seen[0][0] == HTTPStatus.BAD_REQUEST
    assert seen == [seen[0]] * len(seen)


OTHER = "+12125550119"


def use_every_endpoint(name: str, phone: str, address: str) -> list[Any]:
    """Register with a number and call every endpoint; return the responses."""
    client = Client()
    me = {"username": name, "password": PASSWORD}
    change = {"new_phone": phone, "password": PASSWORD}
    passwords = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    steps: list[tuple[str, dict[str, str] | None]] = [
        ("/register", {**me, "phone": phone}),
        ("/register", {**me, "phone": phone}),
        ("/login", me),
        ("/me", None),
        ("/email/verify-request", {"phone": phone}),
        ("/password/reset-request", {"phone": phone}),
        ("/email/change-request", change),
        ("/email/change-request", {**change, "new_phone": OTHER}),
        ("/me", None),
        ("/email/change-request", change),
        ("/me", None),
        ("/email/verify-request", {"phone": phone}),
        ("/change-password", passwords),
        ("/me", None),
        ("/gated-api", None),
        ("/logout", {}),
        ("/login", {**me, "password": NEW_PASSWORD}),
        ("/me", None),
    ]
    seen = []
    for path, body in steps:
        response = (
            client.get(path) if body is None else send(client, path, body, address)
        )
        data = response.json()
        own_values = [
            name,
            phone,
            f'"id":{data.get("id")}',
            data.get("csrf_token", name),
        ]
        seen.append((path, transcript(response, *own_values)))
    return seen


def test_new_account_gets_same_responses_for_every_number():
    seen = [
        use_every_endpoint(f"newcomer{number}", phone, f"10.8.0.{number}")
        for number, phone in enumerate(NUMBERS)
    ]

    statuses = [response[0] for _path, response in seen[0]]
    assert HTTPStatus.TOO_MANY_REQUESTS not in statuses
    for one in seen[1:]:
        for expected, actual in zip(seen[0], one, strict=True):
            assert actual == expected
