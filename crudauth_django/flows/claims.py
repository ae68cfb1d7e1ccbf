"""An account and its recovery value: a claim is not a possession."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from crudauth_django.channels import base as kinds
from crudauth_django.exceptions import IdentifierTaken
from crudauth_django.flows.delivery import ask, together
from crudauth_django.flows.purposes import unchanged
from crudauth_django.identity import field_of, shape, user_database, user_model
from crudauth_django.spelling import is_personal, text_of

if TYPE_CHECKING:
    from crudauth_django.models import AbstractAuthUser


def insert_or_claim(user: AbstractAuthUser) -> bool:
    """Insert the account, its recovery value held or only claimed.

    Whether the value is free or not, there is one query, one row written and
    one question left. Returns whether an account was created.
    """
    _refuse_taken_names(user)
    for _try in range(2):
        holder = _holder_of_any(user)
        try:
            with together():
                if holder is not None and _logs_in_alike(holder, user):
                    _tell(holder)
                    return False
                _insert_with_value(user, taken=holder is not None)
                return True
        except IdentifierTaken as error:
            if error.field not in _personal_columns():
                raise
            # Somebody was faster since we looked: look again.
    raise IdentifierTaken(shape().recovery_factor)


def _refuse_taken_names(user: AbstractAuthUser) -> None:
    """Look at the names first: what is said of them must not depend on the rest.

    Names are chosen identifiers, and whatever else is unique.
    """
    unique = [*shape().identifiers, *_unique_columns()]
    names = [name for name in unique if name not in _personal_columns()]
    if (field := _taken_field(user, names)) is not None:
        raise IdentifierTaken(field)


def _personal_columns() -> list[str]:
    """Columns of which no answer may say whether somebody has a value."""
    names = shape()
    return [n for n in names.columns if n == names.factor or is_personal(field_of(n))]


def _unique_columns() -> list[str]:
    return [
        field.name
        for field in user_model()._meta.concrete_fields
        if field.unique and not field.primary_key and not field.is_relation
    ]


def _holder_of_any(user: AbstractAuthUser) -> AbstractAuthUser | None:
    condition = Q()
    for name in _personal_columns():
        if (value := text_of(getattr(user, name))) is not None:
            condition |= Q(**{name: value})
    found = list(user_model()._default_manager.filter(condition)) if condition else []
    return next((h for h in found if _logs_in_alike(h, user)), next(iter(found), None))


def _logs_in_alike(holder: AbstractAuthUser, user: AbstractAuthUser) -> bool:
    """Whether the two would share a personal identifier, so can't be two.

    A recovery value is no such identifier where the account can be without it:
    the column allows that, and there is another way in.
    """
    names = shape()
    if not _can_be_without_value(user):
        return True
    shared = set(_personal_columns()) & set(names.identifiers) - {names.factor}
    return any(
        text_of(getattr(holder, name)) == text_of(getattr(user, name)) is not None
        for name in shared
    )


def _can_be_without_value(user: AbstractAuthUser) -> bool:
    names = shape()
    others = [n for n in names.identifiers if n != names.factor]
    return field_of(names.recovery_factor).null and any(
        getattr(user, name) not in {None, ""} for name in others
    )


def _insert_with_value(user: AbstractAuthUser, *, taken: bool) -> None:
    names = shape()
    value = user.held_value
    if taken:
        setattr(user, names.pending, value)
        setattr(user, names.verified, False)
        setattr(user, names.recovery_factor, None)
    insert(user)
    if value is not None:
        kind = kinds.EXISTING_ACCOUNT if taken else kinds.VERIFY_RECOVERY
        ask(kind, value, key=user.pk)


def _tell(holder: AbstractAuthUser) -> None:
    """Write one row, as creating an account would, and leave a question."""
    unchanged(holder).update(auth_epoch=F("auth_epoch"))
    if holder.held_value is not None:
        ask(kinds.EXISTING_ACCOUNT, holder.held_value)


def insert(user: AbstractAuthUser) -> None:
    """Insert; the database has the last word on who has an identifier."""
    try:
        with transaction.atomic(using=user_database()):
            user.save(force_insert=True)
    except IntegrityError as error:
        field = _taken_field(user, [*shape().columns, *_unique_columns()])
        if field is None:
            raise
        raise IdentifierTaken(field) from error


def _taken_field(user: AbstractAuthUser, names: Iterable[str]) -> str | None:
    rows = user_model()._default_manager
    for name in names:
        value = text_of(getattr(user, name))
        if value is not None and rows.filter(**{name: value}).exists():
            return name
    return None
