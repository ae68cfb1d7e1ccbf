"""Responses, keys and statements are equal for every state of a value.

Sources: OWASP Authentication Cheat Sheet ("Authentication and Error Messages"),
OWASP WSTG-IDNT-04 (account enumeration), CWE-204 (observable response
discrepancy), CWE-208 (observable timing discrepancy), and the "German tank
problem" for sequential keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from itertools import count
from typing import Any

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from phonenumber_field.modelfields import PhoneNumberField

from crudauth_django.checks.shape import check_registration_oracle
from crudauth_django.models import AbstractAuthUser
from crudauth_django.users import field_of, personal_fields, user_model, user_shape
from tests.support.client import NEW_PASSWORD, PASSWORD, Browser
from tests.support.soft_deletion import LONG_AGO, soft_deletion

pytestmark = [pytest.mark.django_db, pytest.mark.needs_factor, pytest.mark.slow]

#: Headers that differ by time or by chance alone.
VOLATILE = {"Date", "Expires", "Content-Length"}
WRONG = "not the password"
_numbers = count(1)


def fresh(column: str) -> str:
    """Return a normalized value of this column that no account has."""
    number = next(_numbers)
    match field_of(column):
        case models.EmailField():
            return f"person{number}@example.com"
        case PhoneNumberField():
            return f"+1212555{number:04}"
        case _:
            return f"p-{number}"


def fresh_values(**chosen: str) -> dict[str, str]:
    return {n: fresh(n) for n in user_shape().columns} | chosen


def create(column: str, value: str, **columns: Any) -> AbstractAuthUser:
    """Create an account with this value, and write columns past the model."""
    account = user_model()(**fresh_values(**{column: value}), password="!")
    account.save()
    user_model()._base_manager.filter(pk=account.pk).update(**columns)
    return account


def leave_free(column: str, value: str) -> None:
    pass


def claim(column: str, value: str) -> None:
    claimed = user_shape().pending if column == user_shape().factor else column
    create(column, fresh(column), **{claimed: value})


def hold(column: str, value: str) -> None:
    create(column, value)


def verify(column: str, value: str) -> None:
    create(column, value, **{user_shape().verified: True})


def close(column: str, value: str) -> None:
    create(column, value, is_active=False)


def close_verified(column: str, value: str) -> None:
    create(column, value, is_active=False, **{user_shape().verified: True})


def hide(column: str, value: str) -> None:
    create(column, value, date_joined=LONG_AGO)


def hide_verified(column: str, value: str) -> None:
    create(column, value, date_joined=LONG_AGO, **{user_shape().verified: True})


def hold_without_factor(column: str, value: str) -> None:
    """Let an account have the value that itself only claims its recovery value."""
    factor = user_shape().recovery_factor
    if column == factor or not field_of(factor).null:
        return hold(column, value)
    create(column, value, **{factor: None, user_shape().pending: fresh(factor)})
    return None


STATES = [
    leave_free,
    claim,
    hold,
    verify,
    close,
    close_verified,
    hide,
    hide_verified,
    hold_without_factor,
]


class Newcomer:
    """Sends requests, and keeps what can be seen and what is done for each."""

    def __init__(self, address: str) -> None:
        self.browser = Browser()
        self.address = address
        self.values = fresh_values()
        self.transcript: list[Any] = []
        self.statements: list[list[str]] = []

    def send(self, path: str, **body: str) -> Any:
        options = {"REMOTE_ADDR": self.address}
        with recorded() as statements:
            if body:
                response = self.browser.post(path, body, **options)
            else:
                response = self.browser.get(path, **options)
        if path == "/login":
            # A counter's first increment is an INSERT after an UPDATE. With two
            # identifiers, the holder's first failure may be the newcomer's second.
            counting = ("SAVEPOINT", "RELEASE")
            statements = [
                s for s in statements if s not in counting and "_counter" not in s
            ]
        self.statements.append([path, *statements])
        self.transcript.append((path, self.masked(response)))
        return response

    def masked(self, response: Any) -> tuple[Any, ...]:
        """Return a response without what is the newcomer's own, or random."""
        body = response.content.decode()
        data = response.json()
        own = [f'"id":{data.get("id")!s}', f'"id":"{data.get("id")!s}"']
        for text in (*self.values.values(), *own, data.get("csrf_token") or "-"):
            body = body.replace(text, "\u00b7")
        headers = {k: v for k, v in response.headers.items() if k not in VOLATILE}
        if "Retry-After" in headers:
            headers["Retry-After"] = round(int(headers["Retry-After"]), -1)
        cookies = {
            name: {k: v for k, v in morsel.items() if k != "expires"}
            for name, morsel in response.cookies.items()
        }
        return response.status_code, body, headers, cookies

    def register(self) -> Any:
        """Register, and return the key, which a token would show."""
        self.send("/register", **self.values, password=PASSWORD)
        name = user_shape().identifiers[0]
        accounts = user_model()._base_manager
        return accounts.values_list("pk", flat=True).get(**{name: self.values[name]})


@contextmanager
def recorded() -> Iterator[list[str]]:
    """Fill a list with the verb and the tables of each statement, at exit."""
    statements: list[str] = []
    quote = re.escape(connection.ops.quote_name("x")[0])
    table = re.compile(rf"(?:FROM|INTO|UPDATE|JOIN) {quote}(\w+){quote}")
    with CaptureQueriesContext(connection) as queries:
        yield statements
    for query in queries.captured_queries:
        sql = query["sql"]
        statements.append(" ".join([sql.split()[0], *table.findall(sql)]))


@pytest.fixture(autouse=True)
def policy(settings):
    """Follow the deploy check where the default would let a login tell."""
    settings.CRUDAUTH_DISPATCHER = "tests.support.dispatchers.StoringDispatcher"
    settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = None
    if check_registration_oracle():
        settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = True


def attempt_everything(newcomer: Newcomer, column: str, value: str) -> None:
    """Register with the value, log in, change to and fro, run into the lock."""
    newcomer.values[column] = value
    shape = user_shape()
    factor = shape.recovery_factor
    value, other = newcomer.values[factor], fresh(factor)
    registration = {**newcomer.values, "password": PASSWORD}
    newcomer.send("/register", **registration)
    newcomer.send("/register", **registration)
    for name in shape.identifiers:
        newcomer.send("/login", username=newcomer.values[name], password=PASSWORD)
        newcomer.send("/me")
    newcomer.send("/email/verify-request", **{factor: value})
    newcomer.send("/password/reset-request", **{factor: value})
    for claimed in (other, value):
        change = {f"new_{factor}": claimed, "password": PASSWORD}
        newcomer.send("/email/change-request", **change)
        newcomer.values["other"] = other
        newcomer.send("/me")
    passwords = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    newcomer.send("/change-password", **passwords)
    newcomer.send("/me")
    for name in shape.identifiers:
        for password in [WRONG] * 6 + [PASSWORD, NEW_PASSWORD]:
            login = {"username": newcomer.values[name], "password": password}
            newcomer.send("/login", **login)


def change_to_and_fro(newcomer: Newcomer, column: str, value: str) -> None:
    """Register, verify, log in, and ask for a change to the value and back."""
    shape = user_shape()
    newcomer.values |= {"probed": value, "other": fresh(column)}
    values = {name: newcomer.values[name] for name in shape.columns}
    newcomer.send("/register", **values, password=PASSWORD)
    key = {shape.recovery_factor: values[shape.recovery_factor]}
    user_model()._base_manager.filter(**key).update(**{shape.verified: True})
    login = {"username": values[shape.identifiers[0]], "password": PASSWORD}
    newcomer.send("/login", **login)
    for claimed in (value, newcomer.values["other"], value):
        change = {f"new_{column}": claimed, "password": PASSWORD}
        newcomer.send("/email/change-request", **change)
        newcomer.send("/email/verify-request", **{column: claimed})
        newcomer.send("/me")


def observe(state: Any, column: str, number: int, steps: Any) -> tuple[Any, ...]:
    """Let a newcomer try a value in this state; return all that can be seen."""
    value = fresh(column)
    state(column, value)
    before, newcomer, after = (
        Newcomer(f"10.{len(column)}.{number}.{n}") for n in range(3)
    )
    first = before.register()
    steps(newcomer, column, value)
    last = after.register()
    gap = last - first if isinstance(first, int) else None
    return newcomer.transcript, gap, newcomer.statements


def compare(column: str, steps: Any) -> list[Any]:
    """Assert that every state looks the same; return the transcript."""
    with soft_deletion():
        transcript, gap, statements = observe(leave_free, column, 0, steps)
        for number, state in enumerate(STATES, 1):
            seen = observe(state, column, number, steps)
            assert seen[0] == transcript, state.__name__
            assert seen[1] == gap, state.__name__
            assert seen[2] == statements, state.__name__
    return transcript


@pytest.mark.parametrize("column", personal_fields() if user_shape().factor else [])
def test_newcomer_sees_the_same_for_every_state(column):
    transcript = compare(column, attempt_everything)

    assert [response[0] for _path, response in transcript[:1]] == [HTTPStatus.ACCEPTED]


def test_owner_of_account_sees_the_same_for_every_state(outbox):
    transcript = compare(user_shape().recovery_factor, change_to_and_fro)

    statuses = [response[0] for _path, response in transcript]
    assert set(statuses[1:]) == {HTTPStatus.OK}
