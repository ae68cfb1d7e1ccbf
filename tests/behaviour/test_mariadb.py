"""What is different on MariaDB and MySQL; collected where the suite runs there.

Their default collation takes values for one that differ in case or accents.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import pytest
from django.db import connection

from crudauth_django.users import field_of, user_model, user_shape
from tests.support.client import NEW_PASSWORD, PASSWORD, Browser
from tests.support.people import is_verified

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs_mysql,
    pytest.mark.needs_factor,
]

#: How many race.
CROWD = 12


def lookalike(value: str) -> str:
    """Another value, if there is one, that the collation takes for this one."""
    return value.replace("example", "ex\u00e0mple").replace("wa.", "WA.")


def at_once(call: Callable[[int], int]) -> list[int]:
    def run(number: int) -> int:
        try:
            return call(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(CROWD) as pool:
        return sorted(pool.map(run, range(CROWD)))


@pytest.mark.parametrize("path", ["/email/verify-request", "/password/reset-request"])
def test_no_token_goes_to_a_value_that_only_looks_the_same(ada, outbox, path):
    ada.register()
    outbox.clear()
    other = lookalike(ada.factor)

    answer = Browser().post(path, {user_shape().factor: other})

    assert answer.status_code == HTTPStatus.OK
    assert [m.recipient for m in outbox] == [ada.factor] * (other == ada.factor)


def test_a_lookalike_takes_nothing_from_a_verified_holder(verified_ada, eve, outbox):
    value = lookalike(verified_ada.factor)

    answer = eve.register(**{user_shape().factor: value})

    assert answer.status_code == HTTPStatus.ACCEPTED
    assert is_verified(verified_ada)
    assert [m.recipient for m in outbox if m.token] == []


def test_of_many_registrations_of_one_account_one_is_made(ada):
    def register(number: int) -> int:
        spell = ada.typed if number % 2 else ada.stored
        values = {name: spell(name) for name in user_shape().columns}
        answer = Browser().post("/register", {**values, "password": PASSWORD})
        return answer.status_code

    statuses = at_once(register)

    assert set(statuses) <= {HTTPStatus.ACCEPTED, HTTPStatus.BAD_REQUEST}
    assert user_model().objects.count() == 1


def test_of_many_confirmations_of_one_verification_one_wins(ada, outbox):
    ada.register()
    token = outbox[-1].token

    statuses = at_once(
        lambda _n: Browser().post("/email/verify-confirm", {"token": token}).status_code
    )

    assert statuses == [HTTPStatus.OK] + [HTTPStatus.BAD_REQUEST] * (CROWD - 1)


def test_of_many_resets_with_one_token_one_wins(ada, outbox):
    ada.register()
    ada.ask("/password/reset-request", ada.factor)
    token = outbox[-1].token

    statuses = at_once(
        lambda n: (
            Browser()
            .post(
                "/password/reset-confirm",
                {"token": token, "new_password": f"{NEW_PASSWORD} {n}"},
            )
            .status_code
        )
    )

    assert statuses == [HTTPStatus.OK] + [HTTPStatus.BAD_REQUEST] * (CROWD - 1)


def test_of_many_guesses_five_are_compared(ada, settings):
    settings.CRUDAUTH_LOCKOUT = {"NETWORK_ATTEMPTS": 1000}
    ada.register()

    statuses = at_once(
        lambda _n: Browser().log_in(ada.own_identifier, "not the password").status_code
    )

    locked = statuses.count(HTTPStatus.TOO_MANY_REQUESTS)
    assert statuses.count(HTTPStatus.UNAUTHORIZED) == CROWD - locked == 5


def test_of_many_who_prove_one_value_one_gets_it(ada, bob, eve, outbox):
    people = [ada, bob, eve]
    for person in people:
        person.register_with_factor_of(ada)
    tokens = [m.token for m in outbox if m.kind == "verify_recovery"] * CROWD

    statuses = at_once(
        lambda n: (
            Browser().post("/email/verify-confirm", {"token": tokens[n]}).status_code
        )
    )

    assert statuses.count(HTTPStatus.OK) == 1
    assert set(statuses) == {HTTPStatus.OK, HTTPStatus.BAD_REQUEST}
    holders = user_model().objects.filter(**{user_shape().factor: ada.factor})
    assert [holder.is_recovery_verified for holder in holders] == [True]
    assert field_of(user_shape().recovery_factor).unique
