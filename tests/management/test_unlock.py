"""``crudauth_unlock``: ends the lock of an account or a network."""

from __future__ import annotations

import io
from http import HTTPStatus

import pytest
from django.core.management import CommandError, call_command

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


def test_unlock_takes_an_address_of_the_network(api, ada, settings):
    settings.CRUDAUTH_LOCKOUT = {"NETWORK_ATTEMPTS": 2}
    guess(api, "unknown", "unknown-too")
    locked = api.log_in()
    out = io.StringIO()

    call_command("crudauth_unlock", network=["127.0.0.1"], stdout=out)

    assert locked.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert api.log_in().status_code == HTTPStatus.OK
    assert out.getvalue() == "Unlocked the network 127.0.0.1.\n"


@pytest.mark.parametrize("arguments", [["unknown"], ["--network=here"], []])
def test_unlock_without_account_or_network_fails(db, arguments):
    with pytest.raises(CommandError):
        call_command("crudauth_unlock", *arguments)
