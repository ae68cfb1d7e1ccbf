"""Register, log in, log out, who am I, change the password: over HTTP."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from rest_framework.test import APIClient

from crudauth_django.users import user_model
from tests.conftest import NEW_PASSWORD, PASSWORD

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
NEO = {"username": "neo", "phone": "+15551234567", "password": "a-strong-one"}


def log_in(api, password=PASSWORD, **headers):
    return api.post(
        "/login",
        {"username": "ada", "password": password},
        format="json",
        headers=headers,
    )


def with_csrf(login) -> dict[str, str]:
    return {"headers": {"X-CSRFToken": login.data["csrf_token"]}}


def change(api, current=PASSWORD, new=NEW_PASSWORD, **extra):
    return api.post(
        "/change-password",
        {"current_password": current, "new_password": new},
        format="json",
        **extra,
    )


def test_paths_are_those_of_the_recipe():
    paths = {
        name: reverse(f"crudauth:{name}")
        for name in (
            "register",
            "login",
            "logout",
            "me",
            "change-password",
            "verify-request",
            "verify-confirm",
            "reset-request",
            "reset-confirm",
            "change-request",
            "change-confirm",
        )
    }

    assert paths == {
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


def test_registering_creates_an_account_and_asks_for_proof(api, outbox):
    answer = api.post("/register", NEO, format="json")

    neo = user_model().objects.get()
    assert answer.status_code == HTTPStatus.ACCEPTED
    assert list(answer.json()) == ["detail"]
    assert neo.username == "neo"
    assert neo.held_value == "+15551234567"
    assert neo.check_password("a-strong-one")
    assert not neo.is_recovery_verified
    assert [(i.kind, i.recipient) for i in outbox] == [
        ("verify_recovery", "+15551234567")
    ]


def test_no_answer_names_a_medium(api):
    answer = api.post("/register", NEO, format="json")

    said = answer.json()["detail"].lower()
    assert not any(word in said for word in ("email", "inbox", "sms", "phone"))


def test_values_are_stored_in_their_one_spelling(api):
    body = {**NEO, "username": " NEO ", "phone": "+1 (555) 123-4567"}
    api.post("/register", body, format="json")

    neo = user_model().objects.get()
    assert (neo.username, neo.held_value) == ("neo", "+15551234567")


def test_nothing_else_in_a_registration_is_written(api):
    privileged = {
        "id": 4711,
        "pk": 4711,
        "is_superuser": True,
        "is_staff": True,
        "is_active": False,
        "phone_verified": True,
        "phone_pending": "+15551234568",
        "auth_epoch": 7,
        "groups": [1],
        "user_permissions": [1],
        "date_joined": "2000-01-01T00:00:00Z",
        "last_login": "2000-01-01T00:00:00Z",
    }

    answer = api.post("/register", {**privileged, **NEO}, format="json")

    neo = user_model().objects.get()
    assert answer.status_code == HTTPStatus.ACCEPTED
    assert neo.pk != 4711
    assert not any([neo.is_superuser, neo.is_staff, neo.phone_verified])
    assert neo.is_active
    assert neo.phone_pending is None
    assert neo.auth_epoch == 0
    assert neo.last_login is None
    assert neo.date_joined.year > 2000


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": ""}, "username"),
        ({"username": None}, "username"),
        ({"username": ["neo"]}, "username"),
        ({"username": 5}, "username"),
        ({"username": "ne\0o"}, "username"),
        ({"username": "ne\u202eo"}, "username"),
        ({"username": "neo@example.com"}, "username"),
        ({"username": "x" * 1001}, "username"),
        ({"phone": "what"}, "phone"),
        ({"phone": None}, "phone"),
        ({"phone": {"number": 1}}, "phone"),
        ({"password": "short"}, "password"),
        ({"password": "password1"}, "password"),
        ({"password": "15551234567"}, "password"),
        ({"password": None}, "password"),
        ({"password": 12345678901}, "password"),
        ({"password": "x" * 4097}, "password"),
        ({"password": "nul\0 in the middle"}, "password"),
    ],
    ids=repr,
)
def test_a_refused_registration_names_the_field_and_creates_nothing(
    api, outbox, change, field
):
    answer = api.post("/register", {**NEO, **change}, format="json")

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert list(answer.json()) == [field]
    assert not user_model().objects.exists()
    assert outbox == []


@pytest.mark.parametrize("missing", ["username", "phone", "password"])
def test_what_is_missing_is_named(api, missing):
    body = {name: value for name, value in NEO.items() if name != missing}

    answer = api.post("/register", body, format="json")

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert list(answer.json()) == [missing]


def test_no_answer_repeats_a_refused_password(api):
    for password in ("password1", "short", "neo-15551234567"):
        answer = api.post("/register", {**NEO, "password": password}, format="json")
        assert password not in answer.content.decode().replace("too short", "")


def test_a_taken_username_is_named(api, ada):
    answer = api.post("/register", {**NEO, "username": "ADA"}, format="json")

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert list(answer.json()) == ["username"]


def test_a_closed_registration_says_so(api, settings):
    settings.CRUDAUTH_REGISTRATION_OPEN = False

    answer = api.post("/register", NEO, format="json")

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert answer.json()["code"] == "registration_closed"
    assert not user_model().objects.exists()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ({"username": "ada", "password": PASSWORD}, "json"),
        ("username=ada&password=correct+horse+battery", FORM),
        ({"username": " ADA ", "password": PASSWORD}, "json"),
    ],
    ids=["json", "form", "another spelling"],
)
def test_logging_in_opens_a_session(api, ada, body, content_type):
    how = {"format": "json"} if content_type == "json" else {"content_type": FORM}

    answer = api.post("/login", body, **how)

    assert answer.status_code == HTTPStatus.OK
    assert set(answer.json()) == {"id", "username", "csrf_token"}
    assert answer.json()["id"] == ada.pk
    assert answer.json()["username"] == "ada"
    assert answer.cookies["sessionid"]["httponly"]
    assert answer.cookies["csrftoken"].value
    assert api.get("/me").status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    ("identifier", "password"),
    [("ada", "wrong"), ("nobody", PASSWORD), ("ada", ""), ("+12125552368", PASSWORD)],
)
def test_a_refused_login_says_one_thing(api, ada, identifier, password):
    wrong = log_in(api, password="wrong")

    answer = api.post(
        "/login",
        {"username": identifier, "password": password or "x"},
        format="json",
    )

    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert answer.json() == wrong.json()
    assert answer.json()["code"] == "invalid_credentials"
    assert "sessionid" not in answer.cookies


def test_a_closed_account_is_refused_alike(api, ada):
    user_model().objects.update(is_active=False)

    right, wrong = log_in(api), log_in(api, password="wrong")

    assert right.status_code == HTTPStatus.UNAUTHORIZED
    assert right.json() == wrong.json()


def test_a_lock_is_429_with_the_seconds_to_wait(api, ada):
    for _ in range(5):
        log_in(api, password="wrong")

    answer = log_in(api)

    assert answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert answer.json()["code"] == "locked_out"
    assert 0 < int(answer["Retry-After"]) <= 61


def test_logging_in_makes_a_new_session_key(api, ada):
    log_in(api)
    first = api.cookies["sessionid"].value

    log_in(api)

    assert api.cookies["sessionid"].value != first
    assert list(Session.objects.values_list("pk", flat=True)) == [
        api.cookies["sessionid"].value
    ]


def test_a_planted_session_key_is_not_kept(api, ada):
    api.cookies["sessionid"] = "planted" * 4 + "abcd"

    log_in(api)

    assert api.cookies["sessionid"].value != "planted" * 4 + "abcd"


def test_another_accounts_session_is_replaced(api, ada):
    bob = user_model().objects.create_user(username="bob", password=NEW_PASSWORD)
    log_in(api)

    api.post("/login", {"username": "bob", "password": NEW_PASSWORD}, format="json")

    assert api.get("/me").json()["id"] == bob.pk
    assert Session.objects.count() == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://[broken"},
        {"Origin": "https://testserver"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
    ],
    ids=repr,
)
def test_another_site_cannot_sign_its_visitors_in(api, ada, headers):
    answer = log_in(api, **headers)

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert answer.json()["code"] == "cross_site"
    assert "sessionid" not in answer.cookies


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://testserver"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://app.example.com"},
        {"Origin": "https://a.partner.example"},
    ],
    ids=repr,
)
def test_this_site_and_trusted_ones_can(api, ada, settings, headers):
    settings.CSRF_TRUSTED_ORIGINS = [
        "https://app.example.com",
        "https://*.partner.example",
    ]

    assert log_in(api, **headers).status_code == HTTPStatus.OK


def test_a_trusted_name_with_another_scheme_is_not_trusted(api, ada, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://app.example.com"]

    answer = log_in(api, Origin="http://app.example.com")

    assert answer.status_code == HTTPStatus.FORBIDDEN


def test_a_session_opens_under_a_backend_that_is_listed(api, ada, settings):
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]

    log_in(api)

    assert api.get("/me").status_code == HTTPStatus.OK


def test_me_is_what_an_account_may_know_about_itself(api, ada):
    log_in(api)

    assert api.get("/me").json() == {
        "id": ada.pk,
        "username": "ada",
        "phone": "+12125552368",
        "phone_verified": False,
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/me"),
        ("post", "/logout"),
        ("post", "/change-password"),
        ("post", "/email/change-request"),
    ],
)
def test_strangers_get_401(api, method, path):
    answer = getattr(api, method)(path)

    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert answer["WWW-Authenticate"] == "Session"


@pytest.mark.parametrize("path", ["/logout", "/change-password"])
def test_somebody_signed_in_needs_a_csrf_token(api, ada, path):
    log_in(api)

    answer = api.post(path, {}, format="json")

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert api.get("/me").status_code == HTTPStatus.OK


def test_logging_out_ends_the_session_on_the_server(api, ada):
    login = log_in(api)
    stolen = api.cookies["sessionid"].value

    answer = api.post("/logout", **with_csrf(login))

    assert answer.status_code == HTTPStatus.OK
    assert list(answer.json()) == ["detail"]
    assert not Session.objects.exists()
    api.cookies["sessionid"] = stolen
    assert api.get("/me").status_code == HTTPStatus.UNAUTHORIZED


def test_changing_the_password_keeps_this_session_and_ends_the_others(api, ada):
    other = APIClient()
    log_in(other)
    login = log_in(api)
    before = api.cookies["sessionid"].value

    answer = change(api, **with_csrf(login))

    assert answer.status_code == HTTPStatus.OK
    assert api.get("/me").status_code == HTTPStatus.OK
    assert api.cookies["sessionid"].value != before
    assert other.get("/me").status_code == HTTPStatus.UNAUTHORIZED
    assert log_in(APIClient()).status_code == HTTPStatus.UNAUTHORIZED
    assert log_in(APIClient(), password=NEW_PASSWORD).status_code == HTTPStatus.OK


def test_a_verified_account_is_told_that_its_password_changed(api, ada, outbox):
    user_model().objects.update(phone_verified=True)

    change(api, **with_csrf(log_in(api)))

    assert [(i.kind, i.token) for i in outbox] == [("password_changed", None)]


def test_an_unverified_account_is_not(api, ada, outbox):
    change(api, **with_csrf(log_in(api)))

    assert outbox == []


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
def test_a_refused_change_names_the_field_and_changes_nothing(
    api, ada, current, new, field
):
    answer = change(api, current, new, **with_csrf(log_in(api)))

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert list(answer.json()) == [field]
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)
    assert ada.auth_epoch == 0
    assert api.get("/me").status_code == HTTPStatus.OK


def test_guessing_the_current_password_is_behind_the_lockout(api, ada, settings):
    settings.CRUDAUTH_THROTTLES = {"change_password": None}
    csrf = with_csrf(log_in(api))
    for _ in range(5):
        change(api, current="wrong", **csrf)

    assert change(api, **csrf).status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert log_in(APIClient()).status_code == HTTPStatus.TOO_MANY_REQUESTS


def test_every_session_ends_with_the_epoch(api, ada):
    log_in(api)

    user_model().objects.update(auth_epoch=1)

    assert api.get("/me").status_code == HTTPStatus.UNAUTHORIZED


def test_a_session_outlives_a_rotated_key(api, ada, settings):
    log_in(api)
    old = settings.SECRET_KEY

    settings.SECRET_KEY = "another-key-" + "x" * 50
    settings.SECRET_KEY_FALLBACKS = [old]
    assert api.get("/me").status_code == HTTPStatus.OK
    settings.SECRET_KEY_FALLBACKS = []

    # Django gave the session the new key's hash meanwhile.
    assert api.get("/me").status_code == HTTPStatus.OK


def test_a_session_dies_with_its_key(api, ada, settings):
    log_in(api)

    settings.SECRET_KEY = "another-key-" + "x" * 50

    assert api.get("/me").status_code == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/register"),
        ("post", "/login"),
        ("post", "/logout"),
        ("get", "/me"),
        ("post", "/change-password"),
        ("post", "/email/verify-request"),
        ("post", "/email/verify-confirm"),
        ("post", "/password/reset-request"),
        ("post", "/password/reset-confirm"),
        ("post", "/email/change-request"),
        ("post", "/email/change-confirm"),
    ],
)
def test_no_answer_may_be_stored(api, method, path):
    refused = getattr(api, method)(path)
    wrong_method = api.delete(path)

    assert "no-store" in refused["Cache-Control"]
    assert "private" in refused["Cache-Control"]
    assert wrong_method.status_code in {
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.UNAUTHORIZED,
    }


def test_a_successful_answer_may_not_be_stored_either(api, ada):
    login = log_in(api)

    assert "no-store" in login["Cache-Control"]
    assert "no-store" in api.get("/me")["Cache-Control"]


def test_a_form_with_parts_logs_in_too(api, ada):
    answer = api.post(
        "/login", {"username": "ada", "password": PASSWORD}, format="multipart"
    )

    assert answer.status_code == HTTPStatus.OK


def test_only_json_is_read_but_for_the_login(api):
    answer = api.post("/register", "username=neo", content_type=FORM)

    assert answer.status_code == HTTPStatus.UNSUPPORTED_MEDIA_TYPE


@pytest.mark.parametrize("body", ["[]", "null", '"text"', "5", "{", "[" * 100_000])
def test_a_body_that_is_no_object_is_refused(api, body):
    answer = api.post("/login", body, content_type="application/json")

    assert answer.status_code == HTTPStatus.BAD_REQUEST


def test_a_body_that_is_too_large_is_refused(api, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    answer = api.post("/login", {"username": "x" * 200}, format="json")

    assert answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None
    answer = api.post("/login", {"username": "x" * 200}, format="json")
    assert answer.status_code == HTTPStatus.BAD_REQUEST
