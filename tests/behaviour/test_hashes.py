"""Hashes are slow, so their number must not depend on the account."""

from http import HTTPStatus

import pytest

from crudauth_django.users import user_shape
from tests.support.client import Browser
from tests.support.hashers import COUNTING, CountingHasher

pytestmark = pytest.mark.django_db


@pytest.fixture
def hashes(settings):
    """The hashes made so far; a test clears the list before it counts."""
    settings.PASSWORD_HASHERS = [COUNTING]
    CountingHasher.made.clear()
    return CountingHasher.made


# An older hash may be of the password as typed, without NFKC. So a password that
# NFKC changes is compared twice.
@pytest.mark.parametrize(("password", "cost"), [("a wrong one", 1), ("ﬁne or not", 2)])
@pytest.mark.parametrize("account", ["unknown", "inactive", "known"])
def test_wrong_password_costs_same_hashes_for_every_account(
    hashes, ada, bob, eve, account, password, cost
):
    bob.register()
    inactive = bob.account
    inactive.is_active = False
    inactive.save()
    eve.register()
    person = {"unknown": ada, "inactive": bob, "known": eve}[account]
    hashes.clear()

    response = Browser().log_in(person.own_identifier, password)

    assert response.status_code == HTTPStatus.UNAUTHORIZED
    assert len(hashes) == cost


def test_right_password_costs_one_hash_for_every_account(hashes, ada, bob):
    for person in (ada, bob):
        person.register()
    inactive = bob.account
    inactive.is_active = False
    inactive.save()
    hashes.clear()

    costs = []
    for person in (ada, bob):
        person.log_in()
        costs.append(len(hashes))
        hashes.clear()

    assert costs == [1, 1]


@pytest.mark.parametrize("column", user_shape().columns)
def test_registration_costs_one_hash_for_free_or_held_value(
    hashes, ada, bob, eve, column
):
    ada.register()
    hashes.clear()

    bob.register()
    free = len(hashes)
    hashes.clear()
    eve.register(**{column: ada.stored(column)})
    held = len(hashes)

    assert (free, held) == (1, 1)
