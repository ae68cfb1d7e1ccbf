"""The project's user model, and look-ups in it."""

import unicodedata
from collections.abc import Iterable
from typing import cast

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import router
from django.db.models import Q

from crudauth_django.conf.settings import get_settings
from crudauth_django.identity.fields import AnyField
from crudauth_django.identity.free_text import shadowing_field
from crudauth_django.identity.normalize import is_personal, normalize, to_text
from crudauth_django.identity.sensitive import SensitiveText
from crudauth_django.identity.shape import Shape
from crudauth_django.models import AbstractAuthUser

__all__ = [
    "field_of",
    "find_by_identifier",
    "find_holder",
    "find_newest_claimant",
    "protected_fields",
    "user_model",
    "user_shape",
    "writable_fields",
]


def user_model() -> type[AbstractAuthUser]:
    """Return the project's user model, typed."""
    return cast("type[AbstractAuthUser]", get_user_model())


def user_database() -> str:
    """Return the alias of the database that accounts are written to."""
    return router.db_for_write(user_model())


def user_shape() -> Shape:
    """Return the shape of the project's user model."""
    return user_model().shape()


def field_of(name: str) -> AnyField:
    """Return a field of the project's user model."""
    return cast(AnyField, user_model()._meta.get_field(name))


def protected_fields() -> frozenset[str]:
    """Return the fields that no request may write, not even if opted in.

    They are the primary key, and each field that the package or Django adds.
    """
    base, pk = AbstractAuthUser._meta, user_model()._meta.pk
    added = {field.name for field in (*base.fields, *base.many_to_many)}
    return frozenset({"id", pk.name, *added, *user_shape().bookkeeping})


def writable_fields() -> frozenset[str]:
    """Return the fields that a registration may write if they are opted in."""
    columns = {field.name for field in user_model()._meta.concrete_fields}
    return frozenset(columns) - protected_fields()


def unique_fields() -> list[str]:
    """Return the unique fields without keys; identifiers and factor come first."""
    meta = user_model()._meta
    constraints = [c.fields for c in meta.total_unique_constraints]
    unique = [
        field.name
        for field in meta.concrete_fields
        if (field.unique or (field.name,) in constraints)
        and not (field.primary_key or field.is_relation)
    ]
    return list(dict.fromkeys([*user_shape().columns, *unique]))


def personal_fields() -> list[str]:
    """Return the unique fields whose taken values no response may reveal.

    They are the recovery factor and every address. Without a factor there are
    none: no message could tell an owner of a value what the response hides.
    """
    factor = user_shape().factor
    if factor is None:
        return []
    return [n for n in unique_fields() if n == factor or is_personal(field_of(n))]


def taken_name(user: AbstractAuthUser) -> str | None:
    """Name a field with another account's value, if a response may report it."""
    public = [name for name in unique_fields() if name not in personal_fields()]
    return taken_field(user, public) or shadowing_field(user)


def taken_field(user: AbstractAuthUser, names: Iterable[str]) -> str | None:
    """Name a field with another account's value; a hidden account counts, too."""
    # Uniqueness is the database's. A default manager may hide rows.
    others = user_model()._base_manager.exclude(pk=user.pk)
    for name in names:
        value = to_text(getattr(user, name))
        if value is not None and others.filter(**{name: value}).exists():
            return name
    return None


def has_sole_identifier() -> bool:
    """Return whether accounts log in with the recovery value, and nothing else."""
    return user_shape().identifiers == (user_shape().factor,)


def login_requires_verified() -> bool:
    """Return whether only accounts with a verified recovery value may log in."""
    chosen = get_settings().login_requires_verified
    return has_sole_identifier() if chosen is None else chosen


def normalized_by_field(identifier: str) -> dict[str, str]:
    """Map each identifier field that accepts this text to the normalized value."""
    accepted = {}
    for name in user_shape().identifiers:
        try:
            accepted[name] = normalize(field_of(name), identifier)
        except ValidationError:
            continue
    return accepted


def canonical_identifier(identifier: str) -> str:
    """Return the same text for every form of a login identifier."""
    fallback = unicodedata.normalize("NFKC", identifier).strip().lower()
    return next(iter(normalized_by_field(identifier).values()), fallback)


def identifiers_of(user: AbstractAuthUser) -> list[str]:
    """Return every identifier that this account can log in with."""
    values = (to_text(getattr(user, name)) for name in user.shape().identifiers)
    return [SensitiveText(value) for value in values if value]


def public_name(user: AbstractAuthUser) -> str:
    """Return the account's first chosen name, or ``""``.

    Beside other accounts with the same recovery value, it tells them apart. An
    address is not chosen: it may be another person's.
    """
    shape = user.shape()
    chosen = (n for n in shape.identifiers if n != shape.factor)
    names = (getattr(user, n) for n in chosen if not is_personal(field_of(n)))
    return next((name for name in map(to_text, names) if name), "")


def find_by_identifier(identifier: str) -> AbstractAuthUser | None:
    """Return the account with this identifier, in the order of LOGIN_IDENTIFIERS.

    One query, however many fields accept the text.
    """
    accepted = normalized_by_field(identifier)
    if not accepted:
        return None
    condition = Q()
    for name, normalized in accepted.items():
        condition |= Q(**{name: normalized})
    found = list(user_model()._default_manager.filter(condition))
    for name, normalized in accepted.items():
        if user := _first_exact(found, name, normalized):
            return user
    return None


def find_holder(value: str) -> AbstractAuthUser | None:
    """Return the active account that holds this recovery value."""
    factor = user_shape().recovery_factor
    found = user_model()._default_manager.filter(**{factor: value}, is_active=True)
    return _first_exact(found, factor, value)


def find_newest_claimant(value: str) -> AbstractAuthUser | None:
    """Return the active unverified account that claims this value.

    Of several, it is the account that joined last. When it claimed the value is not
    stored: an older account may have claimed it later, by a change.
    """
    shape = user_shape()
    claim = {shape.pending: value, shape.verified: False}
    found = user_model()._default_manager.filter(**claim, is_active=True)
    # One row is read, however many accounts claim the value, unless the
    # collation finds other values.
    newest = found.order_by("-date_joined", "-pk")
    return _first_exact(newest.iterator(chunk_size=10), shape.pending, value)


def is_contested(user: AbstractAuthUser, value: str) -> bool:
    """Return whether another account holds or claims this value.

    Closed accounts count, and those that the default manager hides: the row may be
    opened again.
    """
    shape = user_shape()
    holds_or_claims = Q(**{shape.recovery_factor: value}) | Q(**{shape.pending: value})
    rows = user_model()._base_manager.filter(holds_or_claims)
    return rows.exclude(pk=user.pk).exists()


def is_verified_elsewhere(user: AbstractAuthUser, value: str) -> bool:
    """Return whether another account, as in :func:`is_contested`, verified it."""
    shape = user_shape()
    verified = {shape.recovery_factor: value, shape.verified: True}
    holders = user_model()._base_manager.filter(**verified)
    return holders.exclude(pk=user.pk).exists()


def _first_exact(
    users: Iterable[AbstractAuthUser], name: str, value: str
) -> AbstractAuthUser | None:
    """Return the first account with exactly this value.

    MySQL's and MariaDB's default collations ignore case and accents. A message
    to the typed address would then go to another account's (CVE-2019-19844).
    """
    return next((u for u in users if to_text(getattr(u, name)) == value), None)
