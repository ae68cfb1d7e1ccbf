"""Planted, stolen and ended sessions, and spoofed headers."""

from __future__ import annotations

import json
from http import HTTPStatus

import pytest
from django.test import Client

from crudauth_django.users import user_model
from tests.support.client import NEW_PASSWORD, PASSWORD

pytestmark = pytest.mark.django_db

ADA = {"username": "ada", "password": PASSWORD}
WRONG = {"username": "ada", "password": "a wrong one"}


def send(client, path, body, **headers):
    return client.post(path, json.dumps(body), "application/json", headers=headers)


def session_key(client):
    return client.cookies["sessionid"].value


def test_login_replaces_planted_session_key(ada):
    attacker = Client()
    session = attacker.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    victim = Client()
    victim.cookies["sessionid"] = planted

    send(victim, "/login", ADA)

    assert session_key(victim) != planted
    attacker.cookies["sessionid"] = planted
    assert attacker.get("/me").status_code == HTTPStatus.UNAUTHORIZED


def test_login_does_not_adopt_unknown_session_key(ada):
    victim = Client()
    victim.cookies["sessionid"] = "a" * 32

    send(victim, "/login", ADA)

    assert session_key(victim) != "a" * 32
    assert victim.get("/me").status_code == HTTPStatus.OK


def test_repeated_login_rotates_session_key(ada):
    client = Client()
    keys = []

    for _ in range(3):
        send(client, "/login", ADA)
        keys.append(session_key(client))
    thief = Client()
    thief.cookies["sessionid"] = keys[0]

    assert len(set(keys)) == 3
    assert thief.get("/me").status_code == HTTPStatus.UNAUTHORIZED


def test_login_over_other_accounts_session_drops_old_data(ada):
    user_model().objects.create_user(username="eve", password=PASSWORD)
    client = Client()
    send(client, "/login", {"username": "eve", "password": PASSWORD})
    session = client.session
    session["basket"] = "eve's"
    session.save()

    send(client, "/login", ADA)

    assert client.get("/me").json()["username"] == "ada"
    assert "basket" not in client.session


def test_failed_login_leaves_session_unchanged(ada):
    client = Client()
    send(client, "/login", ADA)
    before = session_key(client)

    response = send(client, "/login", WRONG)

    assert response.status_code == HTTPStatus.UNAUTHORIZED
    assert session_key(client) == before
    assert client.get("/me").status_code == HTTPStatus.OK


def test_login_rotates_csrf_token(ada):
    client = Client()

    first = send(client, "/login", ADA).json()["csrf_token"]
    first_secret = client.cookies["csrftoken"].value
    second = send(client, "/login", ADA).json()["csrf_token"]

    assert first != second
    assert client.cookies["csrftoken"].value != first_secret


@pytest.mark.parametrize(
    "path", ["/logout", "/change-password", "/email/change-request"]
)
def test_signed_in_request_without_csrf_token_is_refused(ada, path):
    client = Client(enforce_csrf_checks=True)
    token = send(client, "/login", ADA).json()["csrf_token"]
    body = {
        "current_password": PASSWORD,
        "new_password": NEW_PASSWORD,
        "new_phone": "+12125550188",
        "password": PASSWORD,
    }

    without = send(client, path, body)
    wrong = send(client, path, body, **{"X-CSRFToken": "x" * 64})
    right = send(client, path, body, **{"X-CSRFToken": token})

    assert without.status_code == HTTPStatus.FORBIDDEN
    assert wrong.status_code == HTTPStatus.FORBIDDEN
    assert right.status_code == HTTPStatus.OK


def test_reset_ends_every_session_and_restored_session_data(ada, outbox):
    client, other = Client(), Client()
    send(client, "/login", ADA)
    send(other, "/login", ADA)
    data = dict(other.session)
    send(Client(), "/password/reset-request", {"phone": "+12125552368"})

    send(
        Client(),
        "/password/reset-confirm",
        {"token": outbox[-1].token, "new_password": NEW_PASSWORD},
    )

    assert client.get("/me").status_code == HTTPStatus.UNAUTHORIZED
    forged = Client()
    session = forged.session
    session.update(data)
    session.save()
    forged.cookies["sessionid"] = session.session_key
    assert forged.get("/me").status_code == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
        {"Sec-Fetch-Site": "nonsense"},
        {"Sec-Fetch-Site": ""},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "http://testserver@evil.example"},
        {"Origin": "https://testserver"},
        {"Origin": "http://testserver:81"},
        {"Origin": "http://["},
        {"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example"},
    ],
)
def test_login_from_other_site_is_refused(ada, headers):
    client = Client(raise_request_exception=False)

    as_json = send(client, "/login", ADA, **headers)
    as_form = client.post("/login", ADA, headers=headers)
    as_url = client.generic(
        "POST",
        "/login",
        f"username=ada&password={PASSWORD}".replace(" ", "+"),
        "application/x-www-form-urlencoded",
        headers=headers,
    )

    assert as_json.status_code == HTTPStatus.FORBIDDEN
    assert as_form.status_code in {
        HTTPStatus.FORBIDDEN,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    }
    assert as_url.status_code == HTTPStatus.FORBIDDEN
    assert "sessionid" not in client.cookies


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://testserver"},
        {"Origin": "https://app.example.com", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://a.partner.example", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_login_from_own_or_trusted_site_succeeds(ada, settings, headers):
    settings.CSRF_TRUSTED_ORIGINS = [
        "https://app.example.com",
        "https://*.partner.example",
    ]

    response = send(Client(), "/login", ADA, **headers)

    assert response.status_code == HTTPStatus.OK


def test_login_from_lookalike_of_trusted_site_is_refused(ada, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.partner.example"]

    for origin in ("https://evilpartner.example", "http://a.partner.example"):
        response = send(Client(), "/login", ADA, Origin=origin)

        assert response.status_code == HTTPStatus.FORBIDDEN


def test_spoofed_host_does_not_appear_in_message(ada, outbox):
    spoofed = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}

    send(Client(), "/password/reset-request", {"phone": "+12125552368"}, **spoofed)

    assert outbox[-1].link.startswith("https://app.example.com/")
    assert "evil" not in repr([outbox[-1].link, outbox[-1].token, outbox[-1].account])


def statuses_of_seven_guesses(forwarded_for):
    """Guess for seven usernames; ``forwarded_for`` makes the header of each guess."""
    return [
        Client()
        .post(
            "/login",
            json.dumps({"username": f"unknown{n}", "password": "a wrong one"}),
            "application/json",
            headers={"X-Forwarded-For": forwarded_for(n)},
        )
        .status_code
        for n in range(7)
    ]


@pytest.mark.parametrize(
    ("proxies", "forwarded_for"),
    [
        (0, lambda n: f"10.9.9.{n}"),
        (1, lambda n: f"10.9.9.{n}, 203.0.113.7"),
        (1, lambda n: f"10.9.9.{n},10.9.8.{n},203.0.113.7"),
        (2, lambda n: f"10.9.9.{n}, 203.0.113.7, 10.0.0.1"),
        (2, lambda n: f"10.9.9.{n}, 203.0.113.7:{n + 1000}, 10.0.0.{n}"),
        (1, lambda n: f"nonsense{n}"),
        (1, lambda n: f"10.9.9.{n}, [2001:db8::{n + 1}]:4711"),
        (1, lambda n: f"2001:db8::{n + 1:x}:1:2:3"),
        (1, lambda n: f"10.9.9.{n}, ::ffff:203.0.113.7"),
    ],
)
def test_spoofed_forwarded_for_opens_no_new_budget(
    db, settings, proxies, forwarded_for
):
    settings.CRUDAUTH_TRUSTED_PROXIES = proxies
    settings.CRUDAUTH_LOCKOUT = {"NETWORK_ATTEMPTS": 5}

    statuses = statuses_of_seven_guesses(forwarded_for)

    assert (
        statuses == [HTTPStatus.UNAUTHORIZED] * 5 + [HTTPStatus.TOO_MANY_REQUESTS] * 2
    )


@pytest.mark.parametrize(
    ("proxies", "forwarded_for"),
    [
        (1, lambda n: f"203.0.113.7, 10.9.9.{n}"),
        (2, lambda n: f"203.0.113.7, 10.9.9.{n}, 10.0.0.1"),
        (1, lambda n: f"2001:db8:0:{n}::1"),
    ],
)
def test_clients_behind_trusted_proxy_have_separate_budgets(
    db, settings, proxies, forwarded_for
):
    settings.CRUDAUTH_TRUSTED_PROXIES = proxies
    settings.CRUDAUTH_LOCKOUT = {"NETWORK_ATTEMPTS": 5}

    statuses = statuses_of_seven_guesses(forwarded_for)

    assert statuses == [HTTPStatus.UNAUTHORIZED] * 7
