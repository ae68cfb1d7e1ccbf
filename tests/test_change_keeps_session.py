"""The session that confirms a change goes on; every other one ends."""

from http import HTTPStatus

import pytest
from rest_framework.test import APIClient

from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def logged_in() -> APIClient:
    client = APIClient()
    client.post("/login", {"username": "ada", "password": PASSWORD}, format="json")
    return client


def test_only_the_session_that_confirms_the_change_goes_on(ada, outbox):
    here, elsewhere = logged_in(), logged_in()
    here.post(
        "/email/change-request",
        {"new_phone": "+12125559999", "password": PASSWORD},
        format="json",
    )

    confirmed = here.post(
        "/email/change-confirm", {"token": outbox[-1].token}, format="json"
    )

    assert confirmed.status_code == HTTPStatus.OK
    assert here.get("/me").status_code == HTTPStatus.OK
    assert elsewhere.get("/me").status_code == HTTPStatus.UNAUTHORIZED
