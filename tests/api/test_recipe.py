"""The six steps of the phone recipe, over the API."""

from http import HTTPStatus

import pytest

pytestmark = pytest.mark.django_db


def test_register_log_in_verify_and_reset(api, outbox):
    registered = api.post(
        "/register",
        {"username": "neo", "phone": "+15551234567", "password": "a-strong-one"},
        format="json",
    )
    logged_in = api.post(
        "/login",
        "username=neo&password=a-strong-one",
        content_type="application/x-www-form-urlencoded",
    )
    before = api.get("/gated-api")
    verified = api.post(
        "/email/verify-confirm", {"token": outbox[0].token}, format="json"
    )
    after = api.get("/gated-api")
    asked = api.post(
        "/password/reset-request", {"phone": "+1 555 123 4567"}, format="json"
    )
    reset = api.post(
        "/password/reset-confirm",
        {"token": outbox[-1].token, "new_password": "a-new-strong-one"},
        format="json",
    )

    assert registered.status_code == HTTPStatus.ACCEPTED
    assert logged_in.status_code == HTTPStatus.OK
    assert before.status_code == HTTPStatus.FORBIDDEN
    assert verified.status_code == HTTPStatus.OK
    assert after.status_code == HTTPStatus.OK
    assert asked.status_code == HTTPStatus.OK
    assert reset.status_code == HTTPStatus.OK
    assert api.get("/me").status_code == HTTPStatus.UNAUTHORIZED
    assert [intent.kind for intent in outbox] == [
        "verify_recovery",
        "reset_password",
        "password_changed",
    ]
