"""Ada, Bob and Eve, with a value for each column of each shape.

Each column has its values here once, and a shape uses those of its own columns.
The suite therefore knows no shape: a new one needs a project in
``tests/support/projects`` and the values of its columns here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rest_framework.response import Response

from crudauth_django.identity.normalize import is_personal
from crudauth_django.models import AbstractAuthUser
from crudauth_django.users import field_of, user_model, user_shape
from tests.support.client import PASSWORD, Browser


@dataclass(frozen=True, kw_only=True)
class Value:
    """A value as it is stored, and as a user may type it."""

    stored: str
    typed: str


#: For each column: Ada's value, Bob's and Eve's.
VALUES = {
    "username": (
        Value(stored="ada", typed=" \uff21DA "),
        Value(stored="bob", typed="Bob"),
        Value(stored="eve", typed="EVE"),
    ),
    "email": (
        Value(stored="ada@example.com", typed=" Ada@\uff25xample.COM "),
        Value(stored="bob@example.com", typed="BOB@example.com"),
        Value(stored="eve@example.com", typed="Eve@example.com"),
    ),
    "phone": (
        Value(stored="+12125552368", typed="+1 (212) 555-2368"),
        Value(stored="+12125550123", typed="+1 212 555 0123"),
        Value(stored="+442079460123", typed="+44 20 7946 0123"),
    ),
    "employee_id": (
        Value(stored="e-1001", typed=" E-1001"),
        Value(stored="e-1002", typed="E-1002"),
        Value(stored="e-1003", typed="E-1003"),
    ),
    "whatsapp_id": (
        Value(stored="wa.ada", typed=" \uff57a.ada "),
        Value(stored="wa.bob", typed="wa.bob "),
        Value(stored="wa.eve", typed="\uff57\uff41.eve"),
    ),
}


@dataclass(kw_only=True)
class Person:
    """One of the three, with a browser; ``register`` makes the account."""

    number: int
    browser: Browser = field(default_factory=Browser)

    def typed(self, column: str) -> str:
        return VALUES[column][self.number].typed

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
        """An identifier beside the recovery value, or that value if it is alone."""
        return self.stored(own_identifier())

    @property
    def account(self) -> AbstractAuthUser:
        """The row, read anew."""
        name = own_identifier()
        return user_model().objects.get(**{name: self.stored(name)})

    def register(self, **instead: str) -> Response:
        return self.browser.post(
            "/register", {**self.values, "password": PASSWORD, **instead}
        )

    def register_with_factor_of(self, other: Person) -> Response:
        return self.register(**{user_shape().recovery_factor: other.factor})

    def log_in(self, password: str = PASSWORD) -> Response:
        return self.browser.log_in(self.own_identifier, password)

    def request_change(self, value: str, password: str = PASSWORD) -> Response:
        body = {f"new_{user_shape().factor}": value, "password": password}
        return self.browser.post("/email/change-request", body)

    def request(self, path: str, value: str) -> Response:
        return self.browser.post(path, {user_shape().recovery_factor: value})


def shown_identifier() -> str:
    """Name the identifier that messages show: the first chosen one, if there is one."""
    shape = user_shape()
    beside = [name for name in shape.identifiers if name != shape.factor]
    chosen = [name for name in beside if not is_personal(field_of(name))]
    return (chosen or shape.identifiers)[0]


def own_identifier() -> str:
    """Name the first identifier beside the recovery factor, if there is one."""
    shape = user_shape()
    names = [name for name in shape.identifiers if name != shape.factor]
    return (names or shape.identifiers)[0]


def can_claim() -> bool:
    """Return whether an account can exist while another one holds its value."""
    factor = user_shape().factor
    return factor is not None and field_of(factor).null


def is_verified(person: Person) -> bool:
    return person.account.is_recovery_verified
