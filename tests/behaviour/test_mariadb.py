"""Behaviour that is different on MariaDB and MySQL; deselected elsewhere.

Their default collation treats values as equal that differ in case or accents.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http import HTTPStatus

import pytest

from crudauth_django.users import field_of, user_model, user_shape
from tests.support.client import NEW_PASSWORD, PASSWORD, Browser
from tests.support.people import is_verified
from tests.support.waiting import at_once

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs_mysql,
    pytest.mark.needs_factor,
]

#: The number of parallel requests.
PARALLEL = 12


def lookalike(value: str) -> str:
    """Return another value that the collation treats as equal, if there is one.

    The stored form of a number or of an email address is ASCII without capitals.
    """
    return value.replace("wa.", "WA.")


def parallel_statuses(call: Callable[[int], int]) -> list[int]:
    return sorted(at_once([partial(call, number) for number in range(PARALLEL)]))


@pytest.mark.parametrize("path", ["/email/verify-request", "/password/reset-request"])
def test_request_for_lookalike_value_sends_no_message(ada, outbox, path):
    ada.register()
    outbox.clear()
    other = lookalike(ada.factor)

    response = Browser().post(path, {user_shape().factor: other})

    assert response.status_code == HTTPStatus.OK
    assert [m.recipient for m in outbox] == [ada.factor] * (other == ada.factor)


def test_claim_on_lookalike_leaves_holder_verified(verified_ada, eve, outbox):
    value = lookalike(verified_ada.factor)

    response = eve.register(**{user_shape().factor: value})

    assert response.status_code == HTTPStatus.ACCEPTED
    assert is_verified(verified_ada)
    assert [m.recipient for m in outbox if m.token] == []


def test_parallel_registrations_create_one_account(ada):
    def register(number: int) -> int:
        form = ada.typed if number % 2 else ada.stored
        values = {name: form(name) for name in user_shape().columns}
        response = Browser().post("/register", {**values, "password": PASSWORD})
        return response.status_code

    statuses = parallel_statuses(register)

    assert set(statuses) <= {HTTPStatus.ACCEPTED, HTTPStatus.BAD_REQUEST}
    assert user_model().objects.count() == 1


def test_parallel_verifications_redeem_token_once(ada, outbox):
    ada.register()
    token = outbox[-1].token

    statuses = parallel_statuses(
        lambda _n: Browser().post("/email/verify-confirm", {"token": token}).status_code
    )

    assert statuses == [HTTPStatus.OK] + [HTTPStatus.BAD_REQUEST] * (PARALLEL - 1)


def test_parallel_resets_redeem_token_once(ada, outbox):
    ada.register()
    ada.request("/password/reset-request", ada.factor)
    token = outbox[-1].token

    statuses = parallel_statuses(
        lambda n: (
            Browser()
            .post(
                "/password/reset-confirm",
                {"token": token, "new_password": f"{NEW_PASSWORD} {n}"},
            )
            .status_code
        )
    )

    assert statuses == [HTTPStatus.OK] + [HTTPStatus.BAD_REQUEST] * (PARALLEL - 1)


def test_parallel_guesses_compare_five_passwords(ada, settings):
    settings.CRUDAUTH_LOCKOUT = {"NETWORK_ATTEMPTS": 1000}
    ada.register()

    statuses = parallel_statuses(
        lambda _n: Browser().log_in(ada.own_identifier, "not the password").status_code
    )

    locked = statuses.count(HTTPStatus.TOO_MANY_REQUESTS)
    assert statuses.count(HTTPStatus.UNAUTHORIZED) == PARALLEL - locked == 5


def test_parallel_claimants_leave_one_verified_holder(ada, bob, eve, outbox, settings):
    settings.CRUDAUTH_LOCKOUT = None  # each link comes with its account's password
    people = [ada, bob, eve]
    for person in people:
        person.register_with_factor_of(ada)
    tokens = [m.token for m in outbox if m.kind == "verify_recovery"] * PARALLEL

    statuses = parallel_statuses(
        lambda n: Browser().verify(tokens[n], PASSWORD).status_code
    )

    assert statuses.count(HTTPStatus.OK) == 1
    assert set(statuses) == {HTTPStatus.OK, HTTPStatus.BAD_REQUEST}
    holders = user_model().objects.filter(**{user_shape().factor: ada.factor})
    assert [holder.is_recovery_verified for holder in holders] == [True]
    assert field_of(user_shape().recovery_factor).unique
