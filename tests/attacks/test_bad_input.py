"""Every endpoint under malformed requests: bodies, headers, cookies and methods."""

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

#: Every endpoint with a body, and a body in the right form.
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
WITHOUT_BODY = ["/logout", "/me"]
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
#: Invalid as an identifier but valid as a password. A login treats these values
#: like any unknown identifier.
VALID_IN_PASSWORDS = {"bidi", "blank"}
WRONG_BODIES: dict[str, bytes] = {
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
#: Codecs of Python, and made-up names. None of them is a charset of JSON.
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
    """Switch the lockout and the throttles off: these tests send many requests."""
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
    """A signed-in client, so that no endpoint is out of reach."""
    client = Client(raise_request_exception=False)
    client.force_login(ada)
    return client


def snapshot() -> list[Any]:
    """Return the rows that a malformed request must not change."""
    users = list(user_model().objects.order_by("pk").values())
    return [users, Session.objects.count()]


def send(client: Client, path: str, body: bytes, **options: Any) -> Any:
    options.setdefault("content_type", "application/json")
    return client.generic("POST", path, body, **options)


def assert_refused(response: Any, before: list[Any]) -> None:
    assert response.status_code >= HTTPStatus.BAD_REQUEST, response.content
    assert response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, response.content
    assert snapshot() == before


def wrong_fields() -> list[Any]:
    return [
        pytest.param(path, field, id=f"{path} {field}")
        for path, body in BODIES.items()
        for field in body
    ]


@pytest.mark.parametrize(("path", "field"), wrong_fields())
def test_wrong_value_is_refused_with_error_at_field(attacker, path, field):
    before = snapshot()

    for name, value in WRONG_VALUES.items():
        if name in VALID_IN_PASSWORDS and (path == "/login" or "phone" not in field):
            continue
        body = json.dumps({**BODIES[path], field: value}).encode()
        response = send(attacker, path, body)

        assert_refused(response, before)
        errors = response.json()
        is_oversized_token = field == "token" and "megabyte" in name
        is_oversized_token |= name == "combining marks" and field == "token"
        expected = "code" if is_oversized_token else field
        assert expected in errors or "JSON" in errors.get("detail", ""), name


@pytest.mark.parametrize(("path", "field"), wrong_fields())
def test_missing_field_is_refused_with_error_at_field(attacker, path, field):
    before = snapshot()
    body = {name: value for name, value in BODIES[path].items() if name != field}

    response = send(attacker, path, json.dumps(body).encode())

    assert_refused(response, before)
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert field in response.json()


@pytest.mark.parametrize("path", BODIES)
def test_body_without_json_object_is_refused(attacker, path):
    before = snapshot()

    for body in WRONG_BODIES.values():
        assert_refused(send(attacker, path, body), before)


@pytest.mark.parametrize("path", BODIES)
def test_unsupported_content_type_is_refused(attacker, path):
    before = snapshot()
    body = json.dumps(BODIES[path]).encode()

    for content_type in CONTENT_TYPES:
        response = send(attacker, path, body, content_type=content_type)

        assert_refused(response, before)


@pytest.mark.parametrize("path", [*BODIES, *WITHOUT_BODY])
def test_odd_charset_causes_no_server_error(attacker, path):
    for charset in CHARSETS:
        for kind in ("application/json", "application/x-www-form-urlencoded"):
            content_type = f"{kind}; charset={charset}"
            for body in (b"{}", b'{"username": "%66"}', b"username=%66&password=%ff"):
                response = send(
                    Client(raise_request_exception=False),
                    path,
                    body,
                    content_type=content_type,
                )

                assert response.status_code >= HTTPStatus.BAD_REQUEST
                assert response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR


@pytest.mark.parametrize("path", [*BODIES, *WITHOUT_BODY])
def test_wrong_method_is_refused(attacker, path):
    before = snapshot()
    wrong = ["get", "put", "patch", "delete", "options", "head", "trace"]
    if path == "/me":
        wrong = ["post", "put", "patch", "delete", "options", "trace"]

    for method in wrong:
        response = getattr(attacker, method)(path)

        assert_refused(response, before)
        assert response.status_code == HTTPStatus.METHOD_NOT_ALLOWED


@pytest.mark.parametrize("length", ["", "-1", "abc", "9" * 40])
@pytest.mark.parametrize("path", BODIES)
def test_wrong_content_length_is_refused(attacker, path, length):
    before = snapshot()
    body = json.dumps({"nothing": "known"}).encode()

    response = send(attacker, path, body, CONTENT_LENGTH=length)

    assert_refused(response, before)


def test_oversized_form_is_refused(attacker):
    before = snapshot()

    response = send(
        attacker,
        "/login",
        b"username=ada&password=" + b"x" * 3_000_000,
        content_type="application/x-www-form-urlencoded",
    )

    assert_refused(response, before)
    assert response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_form_with_ten_thousand_fields_is_refused(attacker):
    before = snapshot()
    body = "&".join(f"f{n}=x" for n in range(10_000)).encode()

    response = send(
        attacker, "/login", body, content_type="application/x-www-form-urlencoded"
    )

    assert_refused(response, before)


def test_duplicate_json_key_uses_last_value(attacker, outbox):
    twice = b'{"phone": "+12125550100", "phone": "+12125552368"}'

    response = send(attacker, "/password/reset-request", twice)

    assert response.status_code == HTTPStatus.OK
    assert [intent.recipient for intent in outbox] == ["+12125552368"]


@pytest.mark.parametrize("cookie", ['"\\000aaaaaaaaaaaaaaa"', "\x7f" * 40, "é" * 20])
@pytest.mark.parametrize("path", [*BODIES, *WITHOUT_BODY])
def test_malformed_session_cookie_is_refused(ada, path, cookie):
    client = Client(raise_request_exception=False)
    before = snapshot()

    response = client.post(
        path, b"{}", "application/json", HTTP_COOKIE=f"sessionid={cookie}"
    )

    assert_refused(response, before)


PROTECTED_FIELDS = {
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


def test_registration_ignores_protected_fields(db):
    body = {**BODIES["/register"], **PROTECTED_FIELDS}

    response = send(Client(), "/register", json.dumps(body).encode())

    assert response.status_code == HTTPStatus.ACCEPTED
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
def test_other_endpoints_ignore_protected_fields(attacker, ada, path):
    body = {**BODIES[path], **PROTECTED_FIELDS}

    response = send(attacker, path, json.dumps(body).encode())

    assert response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    stored = user_model().objects.get(pk=ada.pk)
    assert not any([stored.is_superuser, stored.is_staff, stored.phone_verified])
    assert stored.is_active
    assert stored.auth_epoch == 0


def test_password_that_looks_like_hash_is_hashed(db):
    hashed = "pbkdf2_sha256$1$salt$Zm9vYmFyYmF6"
    body = {**BODIES["/register"], "password": hashed}

    send(Client(), "/register", json.dumps(body).encode())

    grace = user_model().objects.get(username="grace")
    assert grace.password != hashed
    assert grace.check_password(hashed)


ANY_JSON = st.recursive(
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
        ANY_JSON, st.dictionaries(st.sampled_from(FIELDS), ANY_JSON, max_size=4)
    )
)
def test_random_json_causes_no_server_error_or_change(attacker, path, body):
    users = list(user_model().objects.order_by("pk").values())

    response = send(attacker, path, json.dumps(body).encode())

    assert response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
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
def test_registered_values_log_in_as_typed(db, username, phone, password):
    client = Client(raise_request_exception=False)
    body = {"username": username, "phone": phone, "password": password}

    response = send(client, "/register", json.dumps(body).encode())

    assert response.status_code in {HTTPStatus.ACCEPTED, HTTPStatus.BAD_REQUEST}
    if response.status_code == HTTPStatus.ACCEPTED:
        login = send(client, "/login", json.dumps(body).encode())
        assert login.status_code == HTTPStatus.OK
