"""A hash is what takes time: whoever asks about whomever, it is one."""

from http import HTTPStatus

import pytest

from crudauth_django.users import user_shape
from tests.support.client import Browser
from tests.support.hashers import COUNTING, CountingHasher

pytestmark = pytest.mark.django_db


@pytest.fixture
def hashes(settings):
    """The hashes that were made; forget them where the counting is to begin."""
    settings.PASSWORD_HASHERS = [COUNTING]
    CountingHasher.made.clear()
    return CountingHasher.made


# A password whose NFKC is another may have been stored as it was typed, too.
@pytest.mark.parametrize(("password", "cost"), [("a wrong one", 1), ("ﬁne or not", 2)])
@pytest.mark.parametrize("whose", ["nobody's", "a closed one's", "a known one's"])
def test_a_wrong_password_costs_the_same_hashes_whosever_it_is(
    hashes, ada, bob, eve, whose, password, cost
):
    bob.register()
    closed = bob.account
    closed.is_active = False
    closed.save()
    eve.register()
    person = {"nobody's": ada, "a closed one's": bob, "a known one's": eve}[whose]
    hashes.clear()

    answer = Browser().log_in(person.own_identifier, password)

    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert len(hashes) == cost


def test_the_right_password_costs_one_hash_even_of_a_closed_account(hashes, ada, bob):
    for person in (ada, bob):
        person.register()
    closed = bob.account
    closed.is_active = False
    closed.save()
    hashes.clear()

    costs = []
    for person in (ada, bob):
        person.log_in()
        costs.append(len(hashes))
        hashes.clear()

    assert costs == [1, 1]


@pytest.mark.parametrize("column", user_shape().columns)
def test_a_registration_costs_one_hash_whether_its_values_are_free_or_held(
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
