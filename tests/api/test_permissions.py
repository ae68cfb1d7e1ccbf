"""Gates: an API view, a page and an async page for verified users only."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser
from django.test import AsyncClient

from crudauth_django.permissions import is_recovery_verified
from crudauth_django.users import user_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def verified(ada):
    user_model().objects.update(phone_verified=True)
    return ada


def visit_async_page(user=None):
    client = AsyncClient()
    if user is not None:
        client.force_login(user)
    return async_to_sync(client.get)("/gated-async-page")


def test_api_gate_without_session_refuses(api):
    assert api.get("/gated-api").status_code in {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
    }


def test_api_gate_for_unverified_refuses_with_code(api, ada):
    api.client.force_login(ada)

    response = api.get("/gated-api")

    assert response.status_code == HTTPStatus.FORBIDDEN
    assert response.json() == {
        "detail": "Verify your account first.",
        "code": "recovery_not_verified",
    }


def test_api_gate_for_verified_opens(api, verified):
    api.client.force_login(verified)

    assert api.get("/gated-api").status_code == HTTPStatus.OK


def test_page_gate_without_session_redirects_to_login(client):
    page = client.get("/gated-page?x=1")

    assert page.status_code == HTTPStatus.FOUND
    assert page["Location"].endswith("?next=/gated-page%3Fx%3D1")


def test_page_gate_for_unverified_refuses(client, ada):
    client.force_login(ada)

    assert client.get("/gated-page").status_code == HTTPStatus.FORBIDDEN


def test_page_gate_for_verified_opens(client, verified):
    client.force_login(verified)

    page = client.get("/gated-page")

    assert page.status_code == HTTPStatus.OK
    assert page.content == b"ok"


def test_page_gate_closes_when_factor_changes(client, verified):
    verified.refresh_from_db()
    verified.phone = "+12125552369"
    verified.save()
    client.force_login(verified)

    assert client.get("/gated-page").status_code == HTTPStatus.FORBIDDEN


def test_async_page_gate_without_session_redirects(db):
    assert visit_async_page().status_code == HTTPStatus.FOUND


def test_async_page_gate_for_unverified_refuses(ada):
    assert visit_async_page(ada).status_code == HTTPStatus.FORBIDDEN


def test_async_page_gate_for_verified_opens(verified):
    assert visit_async_page(verified).status_code == HTTPStatus.OK


@pytest.mark.parametrize("user", [None, AnonymousUser()])
def test_anonymous_user_is_not_verified(user):
    assert not is_recovery_verified(user)
