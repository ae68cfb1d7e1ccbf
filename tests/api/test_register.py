"""Register: what the response says, and what is refused."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from crudauth_django.users import user_model

pytestmark = pytest.mark.django_db

NEO = {"username": "neo", "phone": "+15551234567", "password": "a-strong-one"}


def test_register_response_is_a_detail_without_medium(api):
    response = api.post("/register", NEO)

    detail = response.json()["detail"].lower()
    assert list(response.json()) == ["detail"]
    assert not any(word in detail for word in ("email", "inbox", "sms", "phone"))
    assert user_model().objects.get().check_password("a-strong-one")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": "neo@example.com"}, "username"),
        ({"username": "x" * 1001}, "username"),
        ({"phone": "what"}, "phone"),
        ({"password": "short"}, "password"),
        ({"password": "password1"}, "password"),
        ({"password": "15551234567"}, "password"),
        ({"password": "x" * 4097}, "password"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_register_refused_value_is_named_and_not_stored(api, outbox, change, field):
    response = api.post("/register", {**NEO, **change})

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert list(response.json()) == [field]
    assert not user_model().objects.exists()
    assert outbox == []


@pytest.mark.parametrize("password", ["password1", "short"])
def test_weak_password_is_reported_beside_other_errors(api, password):
    response = api.post("/register", {"username": "", "password": password})

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert sorted(response.json()) == ["password", "phone", "username"]


def test_strong_password_is_no_error_beside_other_errors(api):
    response = api.post("/register", {"username": "", "password": "a-strong-one"})

    assert sorted(response.json()) == ["phone", "username"]


@pytest.mark.parametrize("body", [["password"], {"password": ["x"]}])
def test_register_body_of_another_type_is_bad_request(api, body):
    response = api.post("/register", body)

    assert response.status_code == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("name", ["neo@", "neo!", "neo the one"])
def test_refused_username_is_told_the_allowed_characters(api, name):
    response = api.post("/register", {**NEO, "username": name})

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert "@" not in str(response.json()["username"])


@pytest.mark.parametrize("password", ["password1", "short", "neo-15551234567"])
def test_register_response_does_not_repeat_password(api, password):
    response = api.post("/register", {**NEO, "password": password})

    assert password not in response.content.decode().replace("too short", "")
