"""Every endpoint under bodies that nobody sends by accident."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crudauth_django.users import user_model
from tests.support.client import NEW_PASSWORD, PASSWORD

pytestmark = pytest.mark.django_db

#: Every endpoint that takes a body, with one that it understands.
BODIES: dict[str, dict[str, Any]] = {
    "/register": {
        "username": "grace",
        "phone": "+12125550199",
        "password": PASSWORD,
    },
    "/login": {"username": "ada", "password": "a wrong one"},
    "/email/verify-request": {"phone": "+12125552368"},
    "/email/verify-confirm": {"token": "x" * 32},
    "/password/reset-request": {"phone": "+12125552368"},
    "/password/reset-confirm": {"token": "x" * 32, "new_password": NEW_PASSWORD},
    "/email/change-request": {"new_phone": "+12125550198", "password": "a wrong one"},
    "/email/change-confirm": {"token": "x" * 32},
    "/change-password": {
        "current_password": "a wrong one",
        "new_password": NEW_PASSWORD,
    },
}
NO_BODY = ["/logout", "/me"]
WRONG_VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "number": 7,
    "fraction": 1.5,
    "huge integer": 10**400,
    "list": ["ada"],
    "nested list": [[["ada"]]],
    "object": {"ada": "ada"},
    "empty": "",
    "blank": " \t ",
    "NUL": "a\0b",
    "lone surrogate": "a\ud800b",
    "bidi": "a\u202eb",
    "a megabyte": "x" * 1_000_000,
    "a megabyte of digits": "+" + "1" * 1_000_000,
    "combining marks": "a" + "\u0344\u0316" * 100_000,
}
#: What no identity is; a password may well be, and a login says no more of it
#: than of any other stranger.
ONLY_NO_IDENTITY = {"bidi", "blank"}
WRONG_WHOLES: dict[str, bytes] = {
    "nothing": b"",
    "half an object": b'{"username": "ada"',
    "no JSON": b"username=ada&password=x",
    "null": b"null",
    "list": b'[{"username": "ada"}]',
    "text": b'"ada"',
    "number": b"7",
    "NaN": b"NaN",
    "a huge integer": b"9" * 5000,
    "not UTF-8": b'{"username": "\xff\xfe"}',
    "UTF-16": '{"username": "ada"}'.encode("utf-16"),
    "NUL": b"\0",
    "deep lists": b"[" * 100_000,
    "deep and closed": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "deep field": b'{"username":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "too large": b'{"username": "' + b"x" * 3_000_000 + b'"}',
}
CONTENT_TYPES = [
    "",
    "text/plain",
    "text/html",
    "application/xml",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "application/octet-stream",
    "application/json/json",
    "application",
    ";",
    "x" * 5000,
]
#: Python knows all of these; not one of them is a charset of JSON.
CHARSETS = [
    "hex",
    "base64",
    "zlib",
    "bz2",
    "rot13",
    "uu",
    "quopri",
    "idna",
    "punycode",
    "undefined",
    "unicode_escape",
    "raw_unicode_escape",
    "utf-16",
    "utf-7",
    "cp037",
    "nonsense",
    "\N{SNOWMAN}",
]


@pytest.fixture(autouse=True)
def no_throttles(settings):
    """The number of requests is not what is tried here."""
    settings.CRUDAUTH_LOCKOUT = None
    settings.CRUDAUTH_THROTTLES = dict.fromkeys(
        (
            "register",
            "verify_request",
            "reset_request",
            "change_request",
            "change_password",
        )
    )


@pytest.fixture
def attacker(ada) -> Client:
    """Somebody signed in, so that no endpoint is out of reach."""
    client = Client(raise_request_exception=False)
    client.force_login(ada)
    return client


def everything() -> list[Any]:
    """Return what no bad request may change."""
    users = list(user_model().objects.order_by("pk").values())
    return [users, Session.objects.count()]


def send(client: Client, path: str, body: bytes, **options: Any) -> Any:
    options.setdefault("content_type", "application/json")
    return client.generic("POST", path, body, **options)


def assert_refused(answer: Any, before: list[Any]) -> None:
    assert answer.status_code >= HTTPStatus.BAD_REQUEST, answer.content
    assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, answer.content
    assert everything() == before


def wrong_fields() -> list[Any]:
    return [
        pytest.param(path, field, id=f"{path} {field}")
        for path, body in BODIES.items()
        for field in body
    ]


@pytest.mark.parametrize(("path", "field"), wrong_fields())
def test_a_wrong_value_is_refused_under_its_name(attacker, path, field):
    before = everything()

    for name, value in WRONG_VALUES.items():
        if name in ONLY_NO_IDENTITY and (path == "/login" or "phone" not in field):
            continue
        body = json.dumps({**BODIES[path], field: value}).encode()
        answer = send(attacker, path, body)

        assert_refused(answer, before)
        spoken_of = answer.json()
        is_oversized_token = field == "token" and "megabyte" in name
        is_oversized_token |= name == "combining marks" and field == "token"
        named = "code" if is_oversized_token else field
        assert named in spoken_of or "JSON" in spoken_of.get("detail", ""), name


@pytest.mark.parametrize(("path", "field"), wrong_fields())
def test_a_missing_field_is_named(attacker, path, field):
    before = everything()
    body = {name: value for name, value in BODIES[path].items() if name != field}

    answer = send(attacker, path, json.dumps(body).encode())

    assert_refused(answer, before)
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert field in answer.json()


@pytest.mark.parametrize("path", BODIES)
def test_a_body_that_is_no_object_is_refused(attacker, path):
    before = everything()

    for body in WRONG_WHOLES.values():
        assert_refused(send(attacker, path, body), before)


@pytest.mark.parametrize("path", BODIES)
def test_a_content_type_that_is_not_taken_is_refused(attacker, path):
    before = everything()
    body = json.dumps(BODIES[path]).encode()

    for content_type in CONTENT_TYPES:
        answer = send(attacker, path, body, content_type=content_type)

        assert_refused(answer, before)


@pytest.mark.parametrize("path", [*BODIES, *NO_BODY])
def test_no_charset_breaks_an_endpoint(attacker, path):
    for charset in CHARSETS:
        for kind in ("application/json", "application/x-www-form-urlencoded"):
            content_type = f"{kind}; charset={charset}"
            for body in (b"{}", b'{"username": "%66"}', b"username=%66&password=%ff"):
                answer = send(
                    Client(raise_request_exception=False),
                    path,
                    body,
                    content_type=content_type,
                )

                assert answer.status_code >= HTTPStatus.BAD_REQUEST
                assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR


@pytest.mark.parametrize("path", [*BODIES, *NO_BODY])
def test_wrong_methods_are_refused(attacker, path):
    before = everything()
    wrong = ["get", "put", "patch", "delete", "options", "head", "trace"]
    if path == "/me":
        wrong = ["post", "put", "patch", "delete", "options", "trace"]

    for method in wrong:
        answer = getattr(attacker, method)(path)

        assert_refused(answer, before)
        assert answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED


@pytest.mark.parametrize("length", ["", "-1", "abc", "9" * 40])
@pytest.mark.parametrize("path", BODIES)
def test_a_content_length_that_lies_is_refused(attacker, path, length):
    before = everything()
    body = json.dumps({"nothing": "known"}).encode()

    answer = send(attacker, path, body, CONTENT_LENGTH=length)

    assert_refused(answer, before)


def test_a_form_is_bounded_like_json(attacker):
    before = everything()

    answer = send(
        attacker,
        "/login",
        b"username=ada&password=" + b"x" * 3_000_000,
        content_type="application/x-www-form-urlencoded",
    )

    assert_refused(answer, before)
    assert answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_a_form_with_ten_thousand_fields_is_refused(attacker):
    before = everything()
    body = "&".join(f"f{n}=x" for n in range(10_000)).encode()

    answer = send(
        attacker, "/login", body, content_type="application/x-www-form-urlencoded"
    )

    assert_refused(answer, before)


def test_of_duplicate_keys_the_last_counts(attacker, outbox):
    twice = b'{"phone": "+12125550100", "phone": "+12125552368"}'

    answer = send(attacker, "/password/reset-request", twice)

    assert answer.status_code == HTTPStatus.OK
    assert [intent.recipient for intent in outbox] == ["+12125552368"]


@pytest.mark.parametrize("cookie", ['"\\000aaaaaaaaaaaaaaa"', "\x7f" * 40, "é" * 20])
@pytest.mark.parametrize("path", [*BODIES, *NO_BODY])
def test_no_session_cookie_breaks_an_endpoint(ada, path, cookie):
    client = Client(raise_request_exception=False)
    before = everything()

    answer = client.post(
        path, b"{}", "application/json", HTTP_COOKIE=f"sessionid={cookie}"
    )

    assert_refused(answer, before)


PRIVILEGED = {
    "is_superuser": True,
    "is_staff": True,
    "is_active": False,
    "phone_verified": True,
    "phone_pending": "+12125550197",
    "auth_epoch": 7,
    "id": 4711,
    "pk": 4712,
    "password_hash": "md5$x$y",
    "_password": "x",
    "groups": [1],
    "user_permissions": [1],
    "last_login": "2001-01-01T00:00:00Z",
    "date_joined": "2001-01-01T00:00:00Z",
    "_state": {},
    "backend": "x",
    "kwargs": {"is_staff": True},
}


def test_registration_writes_no_privileged_column(db):
    body = {**BODIES["/register"], **PRIVILEGED}

    answer = send(Client(), "/register", json.dumps(body).encode())

    assert answer.status_code == HTTPStatus.ACCEPTED
    grace = user_model().objects.get(username="grace")
    assert not any([grace.is_superuser, grace.is_staff, grace.phone_verified])
    assert grace.is_active
    assert (grace.phone_pending, grace.auth_epoch, grace.last_login) == (None, 0, None)
    assert grace.pk not in {4711, 4712}
    assert grace.date_joined.year > 2001
    assert not grace.groups.exists()
    assert not grace.user_permissions.exists()
    assert grace.check_password(PASSWORD)


@pytest.mark.parametrize("path", [path for path in BODIES if path != "/register"])
def test_privileged_columns_are_ignored_everywhere(attacker, ada, path):
    body = {**BODIES[path], **PRIVILEGED}

    answer = send(attacker, path, json.dumps(body).encode())

    assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    as_read = user_model().objects.get(pk=ada.pk)
    assert not any([as_read.is_superuser, as_read.is_staff, as_read.phone_verified])
    assert as_read.is_active
    assert as_read.auth_epoch == 0


def test_a_password_hash_is_a_password_like_any_other(db):
    hashed = "pbkdf2_sha256$1$salt$Zm9vYmFyYmF6"
    body = {**BODIES["/register"], "password": hashed}

    send(Client(), "/register", json.dumps(body).encode())

    grace = user_model().objects.get(username="grace")
    assert grace.password != hashed
    assert grace.check_password(hashed)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=60),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=8,
)
FIELDS = sorted({field for body in BODIES.values() for field in body})


@pytest.mark.parametrize("path", [path for path in BODIES if path != "/register"])
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    body=st.one_of(
        ANYTHING, st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=4)
    )
)
def test_no_json_whatsoever_breaks_an_endpoint(attacker, path, body):
    users = list(user_model().objects.order_by("pk").values())

    answer = send(attacker, path, json.dumps(body).encode())

    assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    assert list(user_model().objects.order_by("pk").values()) == users


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    username=st.text(st.characters(exclude_categories=()), max_size=40),
    phone=st.text("0123456789+- ()x;=tel:isub", max_size=30),
    password=st.text(max_size=60),
)
def test_whatever_registers_can_log_in_in_the_same_spelling(
    db, username, phone, password
):
    client = Client(raise_request_exception=False)
    body = {"username": username, "phone": phone, "password": password}

    answer = send(client, "/register", json.dumps(body).encode())

    assert answer.status_code in {HTTPStatus.ACCEPTED, HTTPStatus.BAD_REQUEST}
    if answer.status_code == HTTPStatus.ACCEPTED:
        entered = send(client, "/login", json.dumps(body).encode())
        assert entered.status_code == HTTPStatus.OK
