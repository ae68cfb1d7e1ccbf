"""Limits on requests for each network and user, and the address that counts."""

from __future__ import annotations

from http import HTTPStatus

import pytest
import time_machine
from django.test import RequestFactory
from rest_framework import serializers

from crudauth_django.api.serializers import RegisterSerializer
from crudauth_django.client import Client, client_of
from tests.support.client import NEW_PASSWORD, PASSWORD, Browser

pytestmark = pytest.mark.django_db

BODIES = {
    # A taken name: a free one would create an account.
    "register": (
        "/register",
        {"username": "ada", "phone": "+12125552369", "password": NEW_PASSWORD},
    ),
    "login": ("/login", {"username": "eve", "password": "a wrong one"}),
    "verify_request": ("/email/verify-request", {"phone": "+12125552369"}),
    "reset_request": ("/password/reset-request", {"phone": "+12125552369"}),
}


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(1_700_000_000, tick=False) as traveller:
        yield traveller


def statuses(api, path, body, *, times, **extra):
    return [api.post(path, body, **extra).status_code for _ in range(times)]


@pytest.mark.parametrize("name", BODIES)
def test_throttle_refuses_network_over_the_rate(api, ada, settings, name, clock):
    settings.CRUDAUTH_THROTTLES = {name: "3/h"}
    path, body = BODIES[name]
    statuses(api, path, body, times=3)

    refused = api.post(path, body)

    assert refused.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert refused.data["code"] == "throttled"
    assert refused["Retry-After"] == "3600"
    clock.shift(3600)
    again = api.post(path, body)
    assert again.status_code != HTTPStatus.TOO_MANY_REQUESTS


def test_throttle_default_is_thirty_an_hour(api, settings):
    settings.CRUDAUTH_TARGET_BUDGET = None
    path, body = BODIES["reset_request"]

    codes = statuses(api, path, body, times=31)

    assert codes == [HTTPStatus.OK] * 30 + [HTTPStatus.TOO_MANY_REQUESTS]


def test_throttle_applies_each_of_several_rates(api, settings, clock):
    settings.CRUDAUTH_THROTTLES = {"reset_request": ["2/m", "3/h"]}
    path, body = BODIES["reset_request"]

    first = statuses(api, path, body, times=3)
    clock.shift(60)
    second = statuses(api, path, body, times=2)

    assert first == [HTTPStatus.OK] * 2 + [HTTPStatus.TOO_MANY_REQUESTS]
    assert second[-1] == HTTPStatus.TOO_MANY_REQUESTS


def test_refused_request_does_not_use_up_longer_rate(api, settings, clock):
    settings.CRUDAUTH_THROTTLES = {"reset_request": ["1/m", "2/h"]}

    first = statuses(api, *BODIES["reset_request"], times=4)
    clock.shift(60)
    second = statuses(api, *BODIES["reset_request"], times=1)

    assert first == [HTTPStatus.OK] + [HTTPStatus.TOO_MANY_REQUESTS] * 3
    assert second == [HTTPStatus.OK]


def test_throttle_of_none_is_off(api, settings):
    settings.CRUDAUTH_THROTTLES = {"reset_request": None}
    path, body = BODIES["reset_request"]

    assert set(statuses(api, path, body, times=35)) == {HTTPStatus.OK}


def test_throttles_count_each_network_and_endpoint(api, settings):
    settings.CRUDAUTH_THROTTLES = {"reset_request": "1/h", "verify_request": "1/h"}
    path, body = BODIES["reset_request"]
    statuses(api, path, body, times=1, REMOTE_ADDR="192.0.2.1")

    same = api.post(path, body, REMOTE_ADDR="192.0.2.1")
    other = api.post(path, body, REMOTE_ADDR="192.0.2.2")
    verify = api.post(*BODIES["verify_request"], REMOTE_ADDR="192.0.2.1")

    assert same.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert other.status_code == HTTPStatus.OK
    assert verify.status_code == HTTPStatus.OK


WEAK = {"username": "bob", "phone": "+12125552370", "password": "password"}
BOB = {**WEAK, "password": NEW_PASSWORD}


@pytest.mark.parametrize(
    "body",
    [
        WEAK,
        {**BOB, "password": "x"},
        {**BOB, "username": "bo b"},
        {**BOB, "phone": "12"},
        {"username": "bob"},
        {},
        [],
        "{",
    ],
    ids=repr,
)
def test_refused_form_does_not_count(api, db, settings, body):
    settings.CRUDAUTH_THROTTLES = {"register": "1/h"}

    refused = statuses(api, "/register", body, times=3)
    accepted = api.post("/register", BOB)

    assert refused == [HTTPStatus.BAD_REQUEST] * 3
    assert accepted.status_code == HTTPStatus.ACCEPTED


def test_weak_passwords_do_not_throttle_a_network(api, db):
    refused = statuses(api, "/register", WEAK, times=31)

    assert refused == [HTTPStatus.BAD_REQUEST] * 31
    assert api.post("/register", BOB).status_code == HTTPStatus.ACCEPTED


def test_refused_forms_have_ten_times_the_limit(api, db, settings, clock):
    # A serializer of the project may compare a secret, such as an invitation.
    settings.CRUDAUTH_THROTTLES = {"register": "1/h"}

    refused = statuses(api, "/register", {}, times=6)
    refused += statuses(api, "/register", WEAK, times=6)
    accepted = api.post("/register", BOB)

    assert refused == [HTTPStatus.BAD_REQUEST] * 10 + [HTTPStatus.TOO_MANY_REQUESTS] * 2
    assert accepted.status_code == HTTPStatus.ACCEPTED


def test_taken_username_counts(api, ada, settings):
    settings.CRUDAUTH_THROTTLES = {"register": "3/h"}

    codes = statuses(api, "/register", {**BOB, "username": "ada"}, times=4)

    assert codes == [HTTPStatus.BAD_REQUEST] * 3 + [HTTPStatus.TOO_MANY_REQUESTS]


def test_taken_value_of_own_unique_field_counts(api, ada, settings):
    settings.CRUDAUTH_REGISTER_SERIALIZER = f"{__name__}.StaffNumberSerializer"
    settings.CRUDAUTH_THROTTLES = {"register": "3/h"}

    codes = statuses(api, "/register", {**BOB, "number": "7"}, times=4)

    assert codes == [HTTPStatus.BAD_REQUEST] * 3 + [HTTPStatus.TOO_MANY_REQUESTS]


class StaffNumberSerializer(RegisterSerializer):
    number = serializers.CharField()

    def validate_number(self, number):
        raise serializers.ValidationError("It is taken.", code="unique")


def test_weak_new_password_does_not_count_and_is_refused_first(api, ada, settings):
    settings.CRUDAUTH_THROTTLES = {"change_password": "1/h"}
    api.log_in()

    weak = [api.change_password("wrong", "password") for _ in range(7)]
    changed = api.change_password()

    assert {tuple(response.json()) for response in weak} == {("new_password",)}
    assert changed.status_code == HTTPStatus.OK


def test_logins_are_throttled_right_and_wrong_together(api, ada, settings):
    settings.CRUDAUTH_THROTTLES = {"login": "4/h"}
    passwords = [PASSWORD, "a wrong one"] * 3

    codes = [Browser().log_in("ada", password).status_code for password in passwords]

    expected = [HTTPStatus.OK, HTTPStatus.UNAUTHORIZED] * 2
    assert codes == expected + [HTTPStatus.TOO_MANY_REQUESTS] * 2
    elsewhere = Browser().log_in(REMOTE_ADDR="192.0.2.77")
    assert elsewhere.status_code == HTTPStatus.OK


def test_throttle_of_login_is_three_hundred_an_hour(api, settings):
    settings.CRUDAUTH_LOCKOUT = None
    path, body = BODIES["login"]

    codes = statuses(api, path, body, times=301)

    assert codes == [HTTPStatus.UNAUTHORIZED] * 300 + [HTTPStatus.TOO_MANY_REQUESTS]


def test_password_changes_are_throttled_for_each_user(api, ada, settings):
    settings.CRUDAUTH_THROTTLES = {"change_password": "2/h"}
    api.log_in()
    body = {"current_password": "wrong", "new_password": NEW_PASSWORD}

    codes = [
        api.post(
            "/change-password",
            body,
            REMOTE_ADDR=f"192.0.2.{number}",
        ).status_code
        for number in range(3)
    ]

    assert codes == [HTTPStatus.BAD_REQUEST] * 2 + [HTTPStatus.TOO_MANY_REQUESTS]


def test_anonymous_requests_do_not_use_a_users_throttle(api, ada, settings):
    settings.CRUDAUTH_THROTTLES = {"change_password": "1/h"}

    codes = statuses(api, "/change-password", {}, times=3)

    assert codes == [HTTPStatus.UNAUTHORIZED] * 3


def address(settings, *, hops, forwarded="", remote="10.0.0.1") -> str:
    settings.CRUDAUTH_TRUSTED_PROXIES = hops
    headers = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
    request = RequestFactory().get("/", REMOTE_ADDR=remote, **headers)
    return client_of(request).address


@pytest.mark.parametrize(
    ("hops", "forwarded", "expected"),
    [
        (0, "", "10.0.0.1"),
        (0, "192.0.2.1", "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (1, "192.0.2.1", "192.0.2.1"),
        (1, "203.0.113.9, 192.0.2.1", "192.0.2.1"),
        (2, "203.0.113.9, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
        (3, "192.0.2.1", "192.0.2.1"),
        (1, "192.0.2.1:4711", "192.0.2.1"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "2001:DB8::1", "2001:db8::1"),
        (1, "::ffff:192.0.2.1", "192.0.2.1"),
        (1, "unknown", "10.0.0.1"),
        (1, "fe80::1%eth0", "fe80::1"),
    ],
)
def test_client_address_follows_trusted_proxies_only(
    settings, hops, forwarded, expected
):
    assert address(settings, hops=hops, forwarded=forwarded) == expected


def test_client_behind_a_socket_has_no_address(settings):
    assert address(settings, hops=0, remote="") == ""
    assert Client().network == "unknown"
    assert client_of(None) == Client()


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("what", "unknown"),
    ],
)
def test_client_network_is_ipv4_address_or_ipv6_64(text, network):
    assert Client(address=text).network == network


def test_client_user_agent_is_shortened():
    request = RequestFactory().get("/", HTTP_USER_AGENT="x" * 500)

    assert client_of(request).user_agent == "x" * 200
