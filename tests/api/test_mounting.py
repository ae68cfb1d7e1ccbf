"""Mount the API under other paths, with URL arguments, and replace endpoints."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import resolve, reverse

from crudauth_django.urls import build_urlpatterns
from crudauth_django.users import user_model
from tests.support.client import NEW_PASSWORD, PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.urls")]

#: Every endpoint of the default mount, and its method.
ENDPOINTS = {
    "register": "post",
    "login": "post",
    "logout": "post",
    "me": "get",
    "change-password": "post",
    "email/verify-request": "post",
    "email/verify-confirm": "post",
    "password/reset-request": "post",
    "password/reset-confirm": "post",
    "email/change-request": "post",
    "email/change-confirm": "post",
}
TENANT = "tenants/7c9e6679-7425-40de-944b-e07fc1f90ae7/"
GRACE = {"username": "grace", "phone": "+12125550199", "password": PASSWORD}


def log_in(api, prefix):
    return api.post(f"{prefix}login", {"username": "ada", "password": PASSWORD})


@pytest.mark.parametrize("paths", [{"sign-in": "x"}, {"verify_request": "x"}])
def test_unknown_endpoint_name_is_refused(paths):
    with pytest.raises(ImproperlyConfigured, match=next(iter(paths))):
        build_urlpatterns(paths=paths)


@pytest.mark.parametrize(
    "path",
    [
        "/tenants/not-a-uuid/login/",
        f"/{TENANT}login//",
        f"/{TENANT}nothing/",
        "/api/v1/nothing",
        "/api/login",
        "/login/",
        "/replaced/acme/me",
        "/replaced/acme/email/verify-request",
    ],
)
def test_unknown_path_is_not_found(api, path):
    assert api.post(path, {}).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("prefix", ["/api/v1/", "/shops/acme/"])
@pytest.mark.parametrize("path", ENDPOINTS)
def test_wrong_method_with_url_argument_is_not_allowed(api, prefix, path):
    wrong = {"get": api.post, "post": api.get}[ENDPOINTS[path]]

    assert wrong(prefix + path).status_code in {
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.UNAUTHORIZED,  # DRF authenticates before it looks for the method.
    }
    assert wrong(prefix + path).status_code == wrong("/" + path).status_code


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    ("prefix", "end"), [("/api/v1/", ""), ("/shops/acme/", ""), (f"/{TENANT}", "/")]
)
def test_url_argument_gives_the_same_error(api, path, prefix, end):
    send = getattr(api, ENDPOINTS[path])

    expected = send("/" + path)
    response = send(prefix + path + end)

    assert response.status_code in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}
    assert (response.status_code, response.json()) == (
        expected.status_code,
        expected.json(),
    )


@pytest.mark.parametrize(
    ("prefix", "end"), [("/api/v1/", ""), ("/shops/acme/", ""), (f"/{TENANT}", "/")]
)
def test_account_lives_under_url_arguments(api, outbox, prefix, end):
    def post(path, **body):
        return api.post(prefix + path + end, body).status_code

    assert post("register", **GRACE) == HTTPStatus.ACCEPTED
    assert post("email/verify-confirm", token=outbox[-1].token) == HTTPStatus.OK
    assert post("password/reset-request", phone=GRACE["phone"]) == HTTPStatus.OK
    reset = {"token": outbox[-1].token, "new_password": NEW_PASSWORD}
    assert post("password/reset-confirm", **reset) == HTTPStatus.OK
    login = {"username": "grace", "password": NEW_PASSWORD}
    opened = api.post(f"{prefix}login{end}", login)
    assert opened.status_code == HTTPStatus.OK
    assert api.get(f"{prefix}me{end}").json() == {
        "id": user_model().objects.get().pk,
        "username": "grace",
        "phone": GRACE["phone"],
        "phone_verified": True,
    }
    move = {"new_phone": "+12125550123", "password": NEW_PASSWORD}
    assert post("email/change-request", **move) == HTTPStatus.OK
    assert post("email/change-confirm", token=outbox[-1].token) == HTTPStatus.OK
    back = {"current_password": NEW_PASSWORD, "new_password": PASSWORD}
    assert post("change-password", **back) == HTTPStatus.OK
    assert post("logout") == HTTPStatus.OK
    assert api.get(f"{prefix}me{end}").status_code == HTTPStatus.UNAUTHORIZED


def test_url_names_are_those_of_every_mount():
    tenant = {"tenant": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}

    assert reverse("crudauth:me") == "/me"
    assert reverse("versions:me", kwargs={"version": "v1"}) == "/api/v1/me"
    assert reverse("tenants:verify-request", kwargs=tenant) == (
        f"/{TENANT}email/verify-request/"
    )
    assert reverse("replaced:me", kwargs={"tenant": "a"}) == "/replaced/a/account"


def test_renamed_path_has_the_endpoint(api, ada):
    log_in(api, "/replaced/acme/")

    response = api.get("/replaced/acme/account")

    assert response.status_code == HTTPStatus.OK
    assert response.json()["username"] == "ada"


def test_replaced_response_has_the_original_and_more(api, ada):
    original = set(log_in(api, "/").json())

    replaced = log_in(api, "/replaced/acme/")

    assert replaced.status_code == HTTPStatus.OK
    assert set(replaced.json()) == original | {"greeting"}
    assert "csrftoken" in replaced.cookies
    assert replaced["Cache-Control"] == log_in(api, "/")["Cache-Control"]


def test_replaced_endpoint_gets_the_url_arguments(api, ada):
    log_in(api, "/replaced/acme/")

    response = api.post(
        "/replaced/acme/change-password",
        {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
    )

    assert response.status_code == HTTPStatus.OK
    assert response["X-Tenant"] == "acme"


def test_replaced_endpoints_stay_outside_of_atomic_requests():
    for path in ("login", "change-password", "phone/verify"):
        view = resolve(f"/replaced/acme/{path}").func

        assert view._non_atomic_requests == {"default"}


def test_replaced_endpoint_requires_a_session(api, ada):
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}

    response = api.post("/replaced/acme/change-password", body)

    assert response.status_code == HTTPStatus.UNAUTHORIZED
    assert response.json()["code"] == "not_authenticated"


def test_replaced_endpoint_is_throttled(api, settings):
    settings.CRUDAUTH_THROTTLES = {"verify_request": "1/h"}
    body = {"phone": "+12125552368"}

    first, second = (api.post("/replaced/acme/phone/verify", body) for _ in range(2))

    assert first.json() == {"detail": "Look at your phone."}
    assert second.status_code == HTTPStatus.TOO_MANY_REQUESTS


def test_without_channel_no_recovery_endpoint_is_built(settings):
    settings.CRUDAUTH_CHANNELS = []

    urls = build_urlpatterns(paths={"verify-request": "phone/verify"})

    assert {url.name for url in urls} == {
        "register",
        "login",
        "logout",
        "me",
        "change-password",
    }
