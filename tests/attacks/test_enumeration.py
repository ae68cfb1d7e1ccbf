"""No answer, nor any sequence of answers, tells what others have."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crudauth_django.users import user_model
from tests.support.client import PASSWORD

pytestmark = pytest.mark.django_db

HELD = "+12125550111"
UNPROVEN = "+12125550112"
CLOSED = "+12125550113"
FREE = "+12125550114"
#: Numbers in every state that a stranger could want to know.
NUMBERS = [FREE, HELD, UNPROVEN, CLOSED]
#: Told apart by time or chance alone.
VOLATILE = {"Date", "Expires", "Content-Length"}


@pytest.fixture(autouse=True)
def accounts(db, settings):
    """Somebody at every number but the free one."""
    settings.CRUDAUTH_TRUSTED_PROXIES = 1
    people = user_model().objects
    for name, phone in (("holder", HELD), ("squatter", UNPROVEN), ("gone", CLOSED)):
        people.create_user(username=name, phone=phone, password=PASSWORD)
    people.filter(phone=HELD).update(phone_verified=True)
    people.filter(phone=CLOSED).update(is_active=False)


def send(client: Client, path: str, body: dict[str, Any], address: str = "10.0.0.1"):
    return client.post(
        path, json.dumps(body), "application/json", HTTP_X_FORWARDED_FOR=address
    )


def transcript(answer: Any, *mine: str) -> tuple[Any, ...]:
    """Write an answer down, without what is this visitor's own."""
    body = answer.content.decode()
    for word in mine:
        body = body.replace(word, "·")
    headers = {k: v for k, v in answer.headers.items() if k not in VOLATILE}
    cookies = {
        name: (morsel["path"], morsel["httponly"], morsel["samesite"], morsel["secure"])
        for name, morsel in answer.cookies.items()
    }
    return answer.status_code, body, headers, cookies


def statements(queries: CaptureQueriesContext) -> list[str]:
    """Name each statement and its table, in order."""
    words = [query["sql"].split() for query in queries.captured_queries]
    tables = {"phone_user", "crudauth_counter", "django_session"}
    return [
        " ".join([line[0], *(w for w in (x.strip('"') for x in line) if w in tables)])
        for line in words
    ]


@pytest.mark.parametrize("path", ["/email/verify-request", "/password/reset-request"])
def test_a_request_about_a_number_answers_alike_whoever_has_it(path):
    seen = [
        transcript(send(Client(), path, {"phone": phone}, f"10.1.0.{number}"))
        for number, phone in enumerate(NUMBERS)
    ]

    assert seen[0][0] == HTTPStatus.OK
    assert seen == [seen[0]] * len(seen)


@pytest.mark.parametrize("path", ["/email/verify-request", "/password/reset-request"])
def test_the_request_itself_asks_the_user_table_nothing(path, settings):
    settings.CRUDAUTH_DISPATCHER = "tests.support.dispatchers.NobodyDispatcher"

    for number, phone in enumerate(NUMBERS):
        with CaptureQueriesContext(connection) as queries:
            send(Client(), path, {"phone": phone}, f"10.2.0.{number}")

        assert not [s for s in statements(queries) if "phone_user" in s]


@pytest.mark.parametrize("path", ["/email/verify-request", "/password/reset-request"])
def test_what_a_request_leads_to_counts_alike_whoever_has_the_number(path):
    # On a database with one writer, the next request waits for these writes.
    writes = []

    for number, phone in enumerate(NUMBERS):
        with CaptureQueriesContext(connection) as queries:
            send(Client(), path, {"phone": phone}, f"10.3.0.{number}")
        writes.append([s for s in statements(queries) if "crudauth_counter" in s])

    assert writes[0]
    assert writes == [writes[0]] * len(writes)


def test_a_login_fails_alike_for_the_unknown_the_closed_and_the_known():
    seen, asked = [], []

    for number, name in enumerate(["nobody", "holder", "squatter", "gone"]):
        with CaptureQueriesContext(connection) as queries:
            answer = send(
                Client(),
                "/login",
                {"username": name, "password": "a wrong one"},
                f"10.4.0.{number}",
            )
        seen.append(transcript(answer))
        asked.append(statements(queries))

    assert seen[0][0] == HTTPStatus.UNAUTHORIZED
    assert seen == [seen[0]] * len(seen)
    assert asked == [asked[0]] * len(asked)


def test_the_right_password_of_a_closed_account_fails_like_a_wrong_one():
    right = send(Client(), "/login", {"username": "gone", "password": PASSWORD})
    wrong = send(Client(), "/login", {"username": "gone", "password": "a wrong one"})

    assert transcript(right) == transcript(wrong)


@pytest.mark.parametrize("right", [False, True])
def test_the_unknown_are_locked_like_the_known(right):
    seen = []

    for number, name in enumerate(["nobody", "holder", "gone"]):
        answers = [
            send(
                Client(),
                "/login",
                {"username": name, "password": "a wrong one"},
                f"10.5.{number}.{time}",
            )
            for time in range(7)
        ]
        last = send(
            Client(),
            "/login",
            {"username": name, "password": PASSWORD if right else "x"},
            f"10.5.{number}.99",
        )
        seen.append([answer.status_code for answer in [*answers, last]])

    assert seen[0] == [HTTPStatus.UNAUTHORIZED] * 5 + [HTTPStatus.TOO_MANY_REQUESTS] * 3
    assert seen == [seen[0]] * len(seen)


def test_registration_answers_alike_whoever_has_the_number():
    seen, asked = [], []

    for number, phone in enumerate(NUMBERS):
        body = {"username": f"new{number}", "phone": phone, "password": PASSWORD}
        with CaptureQueriesContext(connection) as queries:
            answer = send(Client(), "/register", body, f"10.6.0.{number}")
        seen.append(transcript(answer))
        asked.append([s for s in statements(queries) if not s.startswith("SELECT")])

    assert seen[0][0] == HTTPStatus.ACCEPTED
    assert seen == [seen[0]] * len(seen)
    assert asked == [asked[0]] * len(asked)


def test_a_taken_username_is_said_alike_whoever_has_the_number():
    seen = [
        transcript(
            send(
                Client(),
                "/register",
                {"username": "holder", "phone": phone, "password": PASSWORD},
                f"10.7.0.{number}",
            )
        )
        for number, phone in enumerate(NUMBERS)
    ]

    assert seen[0][0] == HTTPStatus.BAD_REQUEST
    assert seen == [seen[0]] * len(seen)


NEW_PASSWORD = "a whole new staple"
OTHER = "+12125550119"


def everything_a_newcomer_can_try(name: str, phone: str, address: str) -> list[Any]:
    """Register with a number, and look at it from inside in every way there is."""
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
        answer = client.get(path) if body is None else send(client, path, body, address)
        said = answer.json()
        mine = [name, phone, f'"id":{said.get("id")}', said.get("csrf_token", name)]
        seen.append((path, transcript(answer, *mine)))
    return seen


def test_nothing_a_newcomer_can_do_tells_whose_the_number_is():
    seen = [
        everything_a_newcomer_can_try(f"newcomer{number}", phone, f"10.8.0.{number}")
        for number, phone in enumerate(NUMBERS)
    ]

    statuses = [answer[0] for _path, answer in seen[0]]
    assert HTTPStatus.TOO_MANY_REQUESTS not in statuses
    for one in seen[1:]:
        for expected, actual in zip(seen[0], one, strict=True):
            assert actual == expected
