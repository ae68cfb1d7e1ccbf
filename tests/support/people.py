"""Ada, Bob and Eve, in the words of whatever shape is under test.

What a person is called by is written down once for each column; a shape takes
what its columns need. So the suite knows no shape, and a new one needs a
project in ``tests/support/projects`` and the values of its columns here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus

from rest_framework.response import Response
from rest_framework.test import APIClient

from crudauth_django.models import AbstractAuthUser
from crudauth_django.users import field_of, user_model, user_shape
from tests.conftest import PASSWORD


@dataclass(frozen=True, kw_only=True)
class Value:
    """One value: as it is stored, and as somebody may type it."""

    stored: str
    respelled: str


#: For each column: Ada's value, Bob's and Eve's.
VALUES = {
    "username": (
        Value(stored="ada", respelled=" \uff21DA "),
        Value(stored="bob", respelled="Bob"),
        Value(stored="eve", respelled="EVE"),
    ),
    "email": (
        Value(stored="ada@example.com", respelled=" Ada@Example.COM "),
        Value(stored="bob@example.com", respelled="BOB@example.com"),
        Value(stored="eve@example.com", respelled="Eve@example.com"),
    ),
    "phone": (
        Value(stored="+12125552368", respelled="+1 (212) 555-2368"),
        Value(stored="+12125550123", respelled="+1 212 555 0123"),
        Value(stored="+442079460123", respelled="+44 20 7946 0123"),
    ),
    "employee_id": (
        Value(stored="e-1001", respelled=" E-1001"),
        Value(stored="e-1002", respelled="E-1002"),
        Value(stored="e-1003", respelled="E-1003"),
    ),
    "whatsapp_id": (
        Value(stored="wa.ada", respelled=" \uff57a.ada "),
        Value(stored="wa.bob", respelled="wa.bob "),
        Value(stored="wa.eve", respelled="\uff57\uff41.eve"),
    ),
}


@dataclass(kw_only=True)
class Browser:
    """Sends JSON, and the CSRF token that a login gave it."""

    client: APIClient = field(
        default_factory=lambda: APIClient(enforce_csrf_checks=True)
    )
    token: str = ""

    def post(self, path: str, body: object = None) -> Response:
        headers = {"X-CSRFToken": self.token} if self.token else {}
        # Not the client's own JSON, which can't say every text that JSON can.
        return self.client.post(
            path,
            json.dumps(body or {}),
            content_type="application/json",
            headers=headers,
        )

    def get(self, path: str) -> Response:
        return self.client.get(path)

    def log_in(self, identifier: str, password: str = PASSWORD) -> Response:
        answer = self.post("/login", {"username": identifier, "password": password})
        if answer.status_code == HTTPStatus.OK:
            self.token = answer.data["csrf_token"]
        return answer


@dataclass(kw_only=True)
class Person:
    """One of the three, with a browser, and perhaps with an account."""

    number: int
    browser: Browser = field(default_factory=Browser)

    def typed(self, column: str) -> str:
        return VALUES[column][self.number].respelled

    def stored(self, column: str) -> str:
        return VALUES[column][self.number].stored

    @property
    def values(self) -> dict[str, str]:
        return {name: self.stored(name) for name in user_shape().columns}

    @property
    def factor(self) -> str:
        return self.stored(user_shape().recovery_factor)

    @property
    def own_identifier(self) -> str:
        """What to log in with that is not the recovery value, if there is such."""
        names = [n for n in user_shape().identifiers if n != user_shape().factor]
        return self.stored((names or user_shape().identifiers)[0])

    @property
    def account(self) -> AbstractAuthUser:
        """The row, read anew."""
        names = [n for n in user_shape().identifiers if n != user_shape().factor]
        name = (names or user_shape().identifiers)[0]
        return user_model().objects.get(**{name: self.stored(name)})

    def register(self, **instead: str) -> Response:
        return self.browser.post(
            "/register", {**self.values, "password": PASSWORD, **instead}
        )

    def register_with_factor_of(self, other: Person) -> Response:
        return self.register(**{user_shape().recovery_factor: other.factor})

    def log_in(self, password: str = PASSWORD) -> Response:
        return self.browser.log_in(self.own_identifier, password)

    def ask_for_change(self, value: str, password: str = PASSWORD) -> Response:
        body = {f"new_{user_shape().factor}": value, "password": password}
        return self.browser.post("/email/change-request", body)

    def ask(self, path: str, value: str) -> Response:
        return self.browser.post(path, {user_shape().recovery_factor: value})


def can_claim() -> bool:
    """Whether two accounts can be there with one recovery value between them."""
    factor = user_shape().factor
    return factor is not None and field_of(factor).null


def is_verified(person: Person) -> bool:
    return person.account.is_recovery_verified
