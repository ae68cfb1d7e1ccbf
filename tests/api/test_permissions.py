"""Gates: strangers, the unverified, and those who have proven their factor."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.contrib.auth.models import AnonymousUser

from crudauth_django.permissions import is_recovery_verified
from crudauth_django.users import user_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def proven(ada):
    user_model().objects.update(phone_verified=True)
    return ada


def test_the_api_gate_refuses_strangers(api):
    assert api.get("/gated-api").status_code in {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
    }


def test_the_api_gate_refuses_the_unverified_and_says_why(api, ada):
    api.force_login(ada)

    answer = api.get("/gated-api")

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert answer.data["detail"].code == "recovery_not_verified"


def test_the_api_gate_opens_for_the_verified(api, proven):
    api.force_login(proven)

    assert api.get("/gated-api").status_code == HTTPStatus.OK


def test_the_page_gate_sends_strangers_to_the_login(client):
    page = client.get("/gated-page?x=1")

    assert page.status_code == HTTPStatus.FOUND
    assert page["Location"].endswith("?next=/gated-page%3Fx%3D1")


def test_the_page_gate_refuses_the_unverified(client, ada):
    client.force_login(ada)

    assert client.get("/gated-page").status_code == HTTPStatus.FORBIDDEN


def test_the_page_gate_opens_for_the_verified(client, proven):
    client.force_login(proven)

    page = client.get("/gated-page")

    assert page.status_code == HTTPStatus.OK
    assert page.content == b"ok"


def test_the_gate_closes_when_the_factor_changes(client, proven):
    proven.refresh_from_db()
    proven.phone = "+12125552369"
    proven.save()
    client.force_login(proven)

    assert client.get("/gated-page").status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("user", [None, AnonymousUser()])
def test_nobody_has_proven_nothing(user):
    assert not is_recovery_verified(user)
