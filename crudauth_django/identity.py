"""What a user model declares, and which account a value belongs to."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import models, router
from django.db.models import Q

from crudauth_django.spelling import normalize, text_of

if TYPE_CHECKING:
    from crudauth_django.models import AbstractAuthUser


#: Columns of privilege, and what the package keeps for itself.
_PRIVILEGED = frozenset(
    {
        "auth_epoch",
        "date_joined",
        "groups",
        "id",
        "is_active",
        "is_staff",
        "is_superuser",
        "last_login",
        "password",
        "user_permissions",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What a user model declares: how one logs in, and what recovers."""

    identifiers: tuple[str, ...]
    factor: str | None

    @property
    def recovery_factor(self) -> str:
        """The factor of a model that has one; raises ``ImproperlyConfigured``."""
        if self.factor is None:
            raise ImproperlyConfigured("This user model has no recovery factor.")
        return self.factor

    @property
    def verified(self) -> str:
        """The column that says whether the recovery value is verified."""
        return f"{self.recovery_factor}_verified"

    @property
    def pending(self) -> str:
        """The column of a value that is claimed and not yet proven."""
        return f"{self.recovery_factor}_pending"

    @property
    def columns(self) -> tuple[str, ...]:
        """Every identity column, once each, in order."""
        factor = () if self.factor is None else (self.factor,)
        return tuple(dict.fromkeys(self.identifiers + factor))

    @property
    def factor_identifies(self) -> bool:
        """Whether one logs in with the recovery value itself."""
        return self.factor in self.identifiers


def user_model() -> type[AbstractAuthUser]:
    """Return the project's user model, typed."""
    return cast("type[AbstractAuthUser]", get_user_model())


def user_database() -> str:
    """Name the database that accounts are written to."""
    return router.db_for_write(user_model())


def as_django_user(user: AbstractAuthUser) -> Any:
    """Return it for a function that is typed for one project's model."""
    return user


def shape() -> Shape:
    """Return the shape of the project's user model."""
    return user_model().shape()


def field_of(name: str) -> models.Field[Any, Any]:
    """Return an identity column of the project's user model."""
    return cast("models.Field[Any, Any]", user_model()._meta.get_field(name))


def privileged_columns() -> frozenset[str]:
    """Return the columns that no request may write, whatever is opted in."""
    names = shape()
    kept = set() if names.factor is None else {names.verified, names.pending}
    return _PRIVILEGED | kept | {user_model()._meta.pk.name}


def registrable_columns() -> frozenset[str]:
    """Return the columns that a registration may write, if they are opted in."""
    columns = {field.name for field in user_model()._meta.concrete_fields}
    return frozenset(columns) - privileged_columns()


def spellings(identifier: str) -> dict[str, str]:
    """Map each identifier column that accepts this text to its spelling."""
    accepted = {}
    for name in shape().identifiers:
        try:
            accepted[name] = normalize(field_of(name), identifier)
        except ValidationError:
            continue
    return accepted


def canonical_identifier(identifier: str) -> str:
    """Return one text for all spellings of what somebody logs in with."""
    for spelled in spellings(identifier).values():
        return spelled
    return unicodedata.normalize("NFKC", identifier).strip().lower()


def find_by_identifier(identifier: str) -> AbstractAuthUser | None:
    """Return whose identifier this is, in the order of ``LOGIN_IDENTIFIERS``.

    One query, however many columns accept the text.
    """
    accepted = spellings(identifier)
    if not accepted:
        return None
    condition = Q()
    for name, spelled in accepted.items():
        condition |= Q(**{name: spelled})
    found = list(user_model()._default_manager.filter(condition))
    for name, spelled in accepted.items():
        if user := _first_exact(found, name, spelled):
            return user
    return None


def _first_exact(
    users: Iterable[AbstractAuthUser], name: str, value: str
) -> AbstractAuthUser | None:
    """Return the first that has this very value.

    A collation may find others: MySQL's and MariaDB's by default take no notice
    of case and accents, and a message to what was typed would then be sent to
    another address than the account's (CVE-2019-19844).
    """
    return next((u for u in users if text_of(getattr(u, name)) == value), None)


def find_holder(value: str) -> AbstractAuthUser | None:
    """Return the active account that holds this recovery value."""
    factor = shape().recovery_factor
    found = user_model()._default_manager.filter(**{factor: value}, is_active=True)
    return _first_exact(found, factor, value)


def is_proven_by_another(user: AbstractAuthUser, value: str) -> bool:
    """Whether another account, open or closed, has proven this value."""
    return (
        user_model()
        ._default_manager.filter(
            **{shape().recovery_factor: value, shape().verified: True}
        )
        .exclude(pk=user.pk)
        .exists()
    )


def find_claimant(value: str) -> AbstractAuthUser | None:
    """Return the account that asked for this value last and has not proven it."""
    pending = shape().pending
    found = user_model()._default_manager.filter(
        **{pending: value, shape().verified: False}, is_active=True
    )
    # One row is read, however many claim the value, where no collation meddles.
    latest = found.order_by("-date_joined", "-pk")
    return _first_exact(latest.iterator(chunk_size=10), pending, value)
