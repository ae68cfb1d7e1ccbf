"""Change the password while signed in."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from tests.support.client import NEW_PASSWORD, PASSWORD, Browser

pytestmark = pytest.mark.django_db

SIMILARITY = "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"


def test_password_change_rotates_session_key(api, ada):
    api.log_in()
    before = api.client.cookies["sessionid"].value

    response = api.change_password()

    assert response.status_code == HTTPStatus.OK
    assert api.client.cookies["sessionid"].value != before


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("wrong", NEW_PASSWORD, "current_password"),
        (PASSWORD, "short", "new_password"),
        (PASSWORD, "12125552368", "new_password"),
        (PASSWORD, None, "new_password"),
        (None, NEW_PASSWORD, "current_password"),
    ],
)
def test_password_change_refused_names_field(api, ada, current, new, field):
    api.log_in()

    response = api.change_password(current, new)

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert list(response.json()) == [field]
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)
    assert ada.auth_epoch == 0
    assert api.get("/me").status_code == HTTPStatus.OK


def test_password_change_guesses_lock_the_device(api, ada, settings):
    settings.CRUDAUTH_THROTTLES = {"change_password": None}
    api.log_in()
    for _ in range(5):
        api.change_password("wrong")

    responses = [api.change_password(), api.log_in(), Browser().log_in()]

    statuses = [response.status_code for response in responses]
    assert statuses == [HTTPStatus.TOO_MANY_REQUESTS] * 2 + [HTTPStatus.OK]


def test_password_change_guesses_without_cookie_lock_the_account(api, ada):
    api.log_in()
    del api.client.cookies["crudauth_device"]
    for _ in range(5):
        api.change_password("wrong")

    responses = [api.change_password(), Browser().log_in()]

    statuses = [response.status_code for response in responses]
    assert statuses == [HTTPStatus.TOO_MANY_REQUESTS] * 2


def test_password_change_needs_no_verified_account(api, ada, settings):
    api.log_in()
    settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = True

    assert api.change_password().status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    "validators",
    [[], [{"NAME": SIMILARITY, "OPTIONS": {"user_attributes": ("username", "phone")}}]],
    ids=["ours", "the project's"],
)
@pytest.mark.parametrize(
    "phone", ["+12125552368", "+12125552377"], ids=["held", "free"]
)
def test_password_like_own_number_is_judged_the_same_if_held(
    api, ada, settings, validators, phone
):
    settings.AUTH_PASSWORD_VALIDATORS = validators
    eve = {"username": "eve", "phone": phone, "password": NEW_PASSWORD}
    api.post("/register", eve)
    api.log_in("eve", NEW_PASSWORD)

    response = api.change_password(NEW_PASSWORD, phone)

    expected = HTTPStatus.OK if validators else HTTPStatus.BAD_REQUEST
    assert response.status_code == expected
