"""Log in, log out, and the session in between."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.contrib.sessions.models import Session

from crudauth_django.users import user_model
from tests.support.client import PASSWORD

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"
PARTS = "".join(
    f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
    for name, value in {"username": "ada", "password": PASSWORD}.items()
)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ({"username": "ada", "password": PASSWORD}, "application/json"),
        ("username=ada&password=correct+horse+battery", FORM),
        (f"{PARTS}--x--\r\n", MULTIPART),
    ],
    ids=["json", "form", "multipart"],
)
def test_login_opens_session_with_cookies(api, ada, body, content_type):
    response = api.post("/login", body, content_type=content_type)

    assert response.status_code == HTTPStatus.OK
    assert set(response.json()) == {"id", "username", "csrf_token"}
    assert response.json()["id"] == ada.pk
    assert response.json()["username"] == "ada"
    assert response.cookies["sessionid"]["httponly"]
    assert response.cookies["csrftoken"].value
    assert api.get("/me").status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    ("identifier", "password"),
    [("ada", "wrong"), ("eve", PASSWORD), ("ada", "x"), ("+12125552368", PASSWORD)],
    ids=["wrong password", "unknown", "short password", "recovery value"],
)
def test_login_refused_has_one_code_and_no_session(api, ada, identifier, password):
    wrong = api.log_in("ada", "wrong")

    response = api.log_in(identifier, password)

    assert response.status_code == HTTPStatus.UNAUTHORIZED
    assert response.json() == wrong.json()
    assert response.json()["code"] == "invalid_credentials"
    assert "sessionid" not in response.cookies


def test_login_locked_out_has_code_and_retry_after(api, ada):
    for _ in range(5):
        api.log_in("ada", "wrong")

    response = api.log_in()

    assert response.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert response.json()["code"] == "locked_out"
    assert 0 < int(response["Retry-After"]) <= 61


def test_login_from_another_site_is_cross_site(api, ada):
    response = api.log_in(headers={"Sec-Fetch-Site": "cross-site"})

    assert response.status_code == HTTPStatus.FORBIDDEN
    assert response.json()["code"] == "cross_site"
    assert "sessionid" not in response.cookies


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"},
        {"Origin": "https://a.partner.example"},
    ],
    ids=repr,
)
def test_login_from_own_and_trusted_origin_succeeds(api, ada, settings, headers):
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.partner.example"]

    assert api.log_in(headers=headers).status_code == HTTPStatus.OK


def test_login_session_opens_under_a_listed_backend(api, ada, settings):
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]

    api.log_in()

    assert api.get("/me").status_code == HTTPStatus.OK


def test_login_requiring_verified_lets_superuser_and_staff_in(api, db, settings):
    settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = True
    users = user_model().objects
    users.create_superuser(username="root", phone="+12125552368", password=PASSWORD)
    # An account that no registration made: it has no value to verify.
    users.create_user(username="clerk", password=PASSWORD)

    statuses = [api.log_in(name).status_code for name in ("root", "clerk")]

    assert statuses == [HTTPStatus.OK] * 2


def test_logout_ends_session_on_the_server(api, ada):
    api.log_in()
    stolen = api.client.cookies["sessionid"].value

    response = api.post("/logout")

    assert response.status_code == HTTPStatus.OK
    assert list(response.json()) == ["detail"]
    assert not Session.objects.exists()
    api.client.cookies["sessionid"] = stolen
    assert api.get("/me").status_code == HTTPStatus.UNAUTHORIZED


def test_csrf_token_and_cookie_are_both_accepted(api, ada):
    token = api.log_in().json()["csrf_token"]
    cookie = api.client.cookies["csrftoken"].value

    refused = api.post("/logout", headers={"X-CSRFToken": "x" * 32})
    accepted = api.post("/logout", headers={"X-CSRFToken": cookie})

    assert token != cookie
    assert refused.status_code == HTTPStatus.FORBIDDEN
    assert accepted.status_code == HTTPStatus.OK


def test_logout_of_an_expired_session_is_unauthorized(api, ada):
    api.log_in()
    Session.objects.all().delete()

    response = api.post("/logout")

    assert response.status_code == HTTPStatus.UNAUTHORIZED
    assert response.json()["code"] == "not_authenticated"


def test_session_ends_with_the_epoch(api, ada):
    api.log_in()

    user_model().objects.update(auth_epoch=1)

    assert api.get("/me").status_code == HTTPStatus.UNAUTHORIZED


def test_session_outlives_rotated_secret_key(api, ada, settings):
    api.log_in()
    old = settings.SECRET_KEY

    settings.SECRET_KEY = "another-key-" + "x" * 50
    settings.SECRET_KEY_FALLBACKS = [old]
    assert api.get("/me").status_code == HTTPStatus.OK
    settings.SECRET_KEY_FALLBACKS = []

    # Django gave the session the new key's hash meanwhile.
    assert api.get("/me").status_code == HTTPStatus.OK


def test_session_ends_with_the_secret_key(api, ada, settings):
    api.log_in()

    settings.SECRET_KEY = "another-key-" + "x" * 50

    assert api.get("/me").status_code == HTTPStatus.UNAUTHORIZED
