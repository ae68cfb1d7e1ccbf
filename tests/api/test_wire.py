"""Rules of every endpoint: paths, authentication, caching, bodies."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.urls import reverse

pytestmark = pytest.mark.django_db

PATHS = {
    "register": "/register",
    "login": "/login",
    "logout": "/logout",
    "me": "/me",
    "change-password": "/change-password",
    "verify-request": "/email/verify-request",
    "verify-confirm": "/email/verify-confirm",
    "reset-request": "/password/reset-request",
    "reset-confirm": "/password/reset-confirm",
    "change-request": "/email/change-request",
    "change-confirm": "/email/change-confirm",
}


def send(api, path):
    return api.get(path) if path == "/me" else api.post(path)


def test_paths_are_those_of_the_recipe():
    assert {name: reverse(f"crudauth:{name}") for name in PATHS} == PATHS


@pytest.mark.parametrize(
    "path", ["/me", "/logout", "/change-password", "/email/change-request"]
)
def test_request_without_session_gets_401(api, path):
    response = send(api, path)

    assert response.status_code == HTTPStatus.UNAUTHORIZED
    assert response["WWW-Authenticate"] == "Session"


@pytest.mark.parametrize("path", PATHS.values())
def test_refused_response_may_not_be_cached(api, path):
    refused = send(api, path)
    wrong_method = api.client.delete(path)

    assert "no-store" in refused["Cache-Control"]
    assert "private" in refused["Cache-Control"]
    assert wrong_method.status_code in {
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.UNAUTHORIZED,
    }


def test_accepted_response_may_not_be_cached(api, ada):
    login = api.log_in()

    assert "no-store" in login["Cache-Control"]
    assert "no-store" in api.get("/me")["Cache-Control"]


def test_form_is_refused_everywhere_but_at_login(api):
    form = "application/x-www-form-urlencoded"

    response = api.post("/register", "username=neo", content_type=form)

    assert response.status_code == HTTPStatus.UNSUPPORTED_MEDIA_TYPE


def test_body_too_large_is_refused_unless_unlimited(api, settings):
    body = {"username": "x" * 200}
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    limited = api.post("/login", body)
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None
    unlimited = api.post("/login", body)

    assert limited.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert unlimited.status_code == HTTPStatus.BAD_REQUEST
