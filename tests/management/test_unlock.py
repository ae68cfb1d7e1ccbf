"""``crudauth_unlock``: ends the lock of an account or a network."""

from __future__ import annotations

import io
from http import HTTPStatus

import pytest
from django.core.management import CommandError, call_command

from crudauth_django.users import user_model
from tests.support.client import Browser

pytestmark = pytest.mark.django_db


def guess(api, *names):
    for name in names:
        api.log_in(name, "wrong")


def test_unlock_takes_any_form_of_an_identifier(api, ada, settings):
    settings.CRUDAUTH_LOCKOUT = {"ATTEMPTS": 2}
    guess(api, "ada", "ada")
    locked = api.log_in()

    call_command("crudauth_unlock", " ADA ", stdout=io.StringIO())

    assert locked.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert api.log_in().status_code == HTTPStatus.OK


@pytest.mark.parametrize("column", ["phone", "phone_pending"])
def test_unlock_takes_a_recovery_value(api, ada, settings, column):
    user_model().objects.update(**{"phone": None, column: "+12125552368"})
    settings.CRUDAUTH_LOCKOUT = {"ATTEMPTS": 2}
    guess(api, "ada", "ada")
    out = io.StringIO()

    call_command("crudauth_unlock", "+1 (212) 555-2368", stdout=out)

    assert api.log_in().status_code == HTTPStatus.OK
    assert out.getvalue() == f"Unlocked the account {ada.pk}.\n"


def test_unlock_ends_the_locks_of_all_networks(ada, settings):
    settings.CRUDAUTH_LOCKOUT = {"LONG_ATTEMPTS": 6}
    for number in range(15):
        Browser().log_in("ada", "wrong", REMOTE_ADDR=f"192.0.2.{number % 2}")

    locked = [Browser().log_in(REMOTE_ADDR=f"192.0.2.{n}").status_code for n in (0, 9)]
    call_command("crudauth_unlock", "ada", stdout=io.StringIO())
    opened = [Browser().log_in(REMOTE_ADDR=f"192.0.2.{n}").status_code for n in (0, 1)]

    assert locked == [HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.UNAUTHORIZED]
    assert opened == [HTTPStatus.OK] * 2


def test_second_unlock_ends_newer_locks(ada, api):
    seen = []
    for _ in range(2):
        guess(api, *["ada"] * 6)
        seen.append(api.log_in().status_code)
        call_command("crudauth_unlock", "ada", stdout=io.StringIO())

    assert seen == [HTTPStatus.TOO_MANY_REQUESTS] * 2
    assert Browser().log_in().status_code == HTTPStatus.OK


def test_unlock_takes_an_address_of_the_network(api, ada, settings):
    settings.CRUDAUTH_LOCKOUT = {"NETWORK_ATTEMPTS": 2}
    guess(api, "unknown", "unknown-too")
    locked = api.log_in()
    out = io.StringIO()

    call_command("crudauth_unlock", network=["127.0.0.1"], stdout=out)

    assert locked.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert api.log_in().status_code == HTTPStatus.OK
    assert out.getvalue() == "Unlocked the network 127.0.0.1.\n"


@pytest.mark.parametrize(
    "arguments", [["unknown"], ["+12125552368"], ["--network=here"], []]
)
def test_unlock_without_account_or_network_fails(db, arguments):
    with pytest.raises(CommandError):
        call_command("crudauth_unlock", *arguments)
