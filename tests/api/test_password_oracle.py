"""What is said of a password must not tell a held value from a claimed one."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from tests.conftest import NEW_PASSWORD, PASSWORD

pytestmark = pytest.mark.django_db
OWN = "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"


@pytest.mark.parametrize(
    "validators",
    [[], [{"NAME": OWN, "OPTIONS": {"user_attributes": ("username", "phone")}}]],
    ids=["ours", "the project's"],
)
@pytest.mark.parametrize(
    "phone", ["+12125552368", "+12125552377"], ids=["held", "free"]
)
def test_a_password_like_the_number_is_judged_alike(
    api, ada, settings, validators, phone
):
    settings.AUTH_PASSWORD_VALIDATORS = validators
    api.post(
        "/register",
        {"username": "eve", "phone": phone, "password": NEW_PASSWORD},
        format="json",
    )
    body = {"username": "eve", "password": NEW_PASSWORD}
    csrf = api.post("/login", body, format="json").json()["csrf_token"]

    answer = api.post(
        "/change-password",
        {"current_password": NEW_PASSWORD, "new_password": phone},
        format="json",
        headers={"X-CSRFToken": csrf},
    )

    expected = HTTPStatus.OK if validators else HTTPStatus.BAD_REQUEST
    assert answer.status_code == expected
    assert PASSWORD != NEW_PASSWORD
