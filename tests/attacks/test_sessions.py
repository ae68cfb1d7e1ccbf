"""Sessions that were planted, stolen or should be dead, and headers that lie."""

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


def key_of(client):
    return client.cookies["sessionid"].value


def test_a_planted_session_key_is_not_the_one_that_is_signed_in(ada):
    attacker = Client()
    session = attacker.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    victim = Client()
    victim.cookies["sessionid"] = planted

    send(victim, "/login", ADA)

    assert key_of(victim) != planted
    attacker.cookies["sessionid"] = planted
    assert attacker.get("/me").status_code == HTTPStatus.UNAUTHORIZED


def test_an_unknown_session_key_is_not_adopted(ada):
    victim = Client()
    victim.cookies["sessionid"] = "a" * 32

    send(victim, "/login", ADA)

    assert key_of(victim) != "a" * 32
    assert victim.get("/me").status_code == HTTPStatus.OK


def test_the_key_is_a_new_one_at_each_login_of_the_same_account(ada):
    client = Client()
    keys = []

    for _ in range(3):
        send(client, "/login", ADA)
        keys.append(key_of(client))
    thief = Client()
    thief.cookies["sessionid"] = keys[0]

    assert len(set(keys)) == 3
    assert thief.get("/me").status_code == HTTPStatus.UNAUTHORIZED


def test_logging_in_over_somebody_elses_session_leaves_nothing_of_theirs(ada):
    user_model().objects.create_user(username="eve", password=PASSWORD)
    client = Client()
    send(client, "/login", {"username": "eve", "password": PASSWORD})
    session = client.session
    session["basket"] = "eve's"
    session.save()

    send(client, "/login", ADA)

    assert client.get("/me").json()["username"] == "ada"
    assert "basket" not in client.session


def test_a_failed_login_signs_nobody_out_and_in(ada):
    client = Client()
    send(client, "/login", ADA)
    before = key_of(client)

    answer = send(client, "/login", WRONG)

    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert key_of(client) == before
    assert client.get("/me").status_code == HTTPStatus.OK


def test_the_csrf_token_is_a_new_one_after_each_login(ada):
    client = Client()

    first = send(client, "/login", ADA).json()["csrf_token"]
    first_secret = client.cookies["csrftoken"].value
    second = send(client, "/login", ADA).json()["csrf_token"]

    assert first != second
    assert client.cookies["csrftoken"].value != first_secret


@pytest.mark.parametrize(
    "path", ["/logout", "/change-password", "/email/change-request"]
)
def test_what_a_session_may_do_needs_its_csrf_token(ada, path):
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


def test_every_session_is_dead_after_a_reset_and_so_is_one_put_back(ada, outbox):
    client, kept = Client(), Client()
    send(client, "/login", ADA)
    send(kept, "/login", ADA)
    data = dict(kept.session)
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
def test_another_site_signs_nobody_in(ada, headers):
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
def test_the_site_itself_and_those_it_trusts_sign_in(ada, settings, headers):
    settings.CSRF_TRUSTED_ORIGINS = [
        "https://app.example.com",
        "https://*.partner.example",
    ]

    answer = send(Client(), "/login", ADA, **headers)

    assert answer.status_code == HTTPStatus.OK


def test_a_name_like_that_of_a_trusted_site_is_not_trusted(ada, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.partner.example"]

    for origin in ("https://evilpartner.example", "http://a.partner.example"):
        answer = send(Client(), "/login", ADA, Origin=origin)

        assert answer.status_code == HTTPStatus.FORBIDDEN


def test_the_host_of_a_request_reaches_no_message(ada, outbox):
    lies = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}

    send(Client(), "/password/reset-request", {"phone": "+12125552368"}, **lies)

    assert outbox[-1].link.startswith("https://app.example.com/")
    assert "evil" not in repr([outbox[-1].link, outbox[-1].token, outbox[-1].account])


def guesses(forwarded_for):
    """Guess at seven names from one address, behind what a client claims."""
    return [
        Client()
        .post(
            "/login",
            json.dumps({"username": f"nobody{n}", "password": "a wrong one"}),
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
def test_what_a_client_writes_of_its_address_opens_no_new_budget(
    db, settings, proxies, forwarded_for
):
    settings.CRUDAUTH_TRUSTED_PROXIES = proxies
    settings.CRUDAUTH_LOCKOUT = {"NETWORK_ATTEMPTS": 5}

    answers = guesses(forwarded_for)

    assert answers == [HTTPStatus.UNAUTHORIZED] * 5 + [HTTPStatus.TOO_MANY_REQUESTS] * 2


@pytest.mark.parametrize(
    ("proxies", "forwarded_for"),
    [
        (1, lambda n: f"203.0.113.7, 10.9.9.{n}"),
        (2, lambda n: f"203.0.113.7, 10.9.9.{n}, 10.0.0.1"),
        (1, lambda n: f"2001:db8:0:{n}::1"),
    ],
)
def test_clients_behind_trusted_proxies_have_a_budget_each(
    db, settings, proxies, forwarded_for
):
    settings.CRUDAUTH_TRUSTED_PROXIES = proxies
    settings.CRUDAUTH_LOCKOUT = {"NETWORK_ATTEMPTS": 5}

    answers = guesses(forwarded_for)

    assert answers == [HTTPStatus.UNAUTHORIZED] * 7
