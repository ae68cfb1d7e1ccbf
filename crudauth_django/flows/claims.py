"""Insert an account that holds its recovery value, or only claims it."""

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from crudauth_django.dispatch.enqueue import atomic_with_outbox, enqueue_message
from crudauth_django.exceptions import IdentifierTaken
from crudauth_django.identity.normalize import is_personal, to_text
from crudauth_django.kinds import Cause, MessageKind
from crudauth_django.models import AbstractAuthUser
from crudauth_django.users import field_of, user_database, user_model, user_shape

#: Another request may take a value between the look-up and the insert.
MAX_TRIES = 2


def insert_or_claim(user: AbstractAuthUser) -> bool:
    """Insert the account; a value that another account holds is only claimed.

    For a free and for a held value, there is one query, one row is written and
    one message is enqueued. Returns whether an account was created. Raises
    ``IdentifierTaken``.
    """
    # Chosen names first: their errors must not depend on personal values.
    names = [name for name in _unique_fields() if name not in _personal_fields()]
    if (field := _taken_field(user, names)) is not None:
        raise IdentifierTaken(field)
    for _try in range(MAX_TRIES):
        holder = _find_any_holder(user)
        try:
            with atomic_with_outbox():
                return _insert_beside(holder, user)
        except IdentifierTaken as error:
            if error.field not in _personal_fields():
                raise
    raise IdentifierTaken(user_shape().recovery_factor)


def insert(user: AbstractAuthUser) -> None:
    """Insert the account; the database decides about uniqueness.

    Raises ``IdentifierTaken``.
    """
    try:
        with transaction.atomic(using=user_database()):
            user.save(force_insert=True)
    except IntegrityError as error:
        if (field := _taken_field(user, _unique_fields())) is None:
            raise
        raise IdentifierTaken(field) from error


def _personal_fields() -> list[str]:
    """Return the fields whose taken values no response may reveal."""
    shape = user_shape()
    return [n for n in shape.columns if n == shape.factor or is_personal(field_of(n))]


def _unique_fields() -> list[str]:
    fields = user_model()._meta.concrete_fields
    unique = [f for f in fields if f.unique and not (f.primary_key or f.is_relation)]
    return [*user_shape().columns, *(field.name for field in unique)]


def _find_any_holder(user: AbstractAuthUser) -> AbstractAuthUser | None:
    """Return an account with one of the personal values, in one query."""
    condition = Q()
    for name in _personal_fields():
        if (value := to_text(getattr(user, name))) is not None:
            condition |= Q(**{name: value})
    found = list(user_model()._default_manager.filter(condition)) if condition else []
    excluding = (h for h in found if _excludes_second_account(h, user))
    return next(excluding, next(iter(found), None))


def _excludes_second_account(holder: AbstractAuthUser, user: AbstractAuthUser) -> bool:
    """Return whether both accounts would have the same login address.

    The recovery value does not count if the column is nullable and the account
    has another identifier.
    """
    shape = user_shape()
    others = [n for n in shape.identifiers if n != shape.factor]
    has_other = any(getattr(user, name) not in {None, ""} for name in others)
    if not (field_of(shape.recovery_factor).null and has_other):
        return True
    return any(
        to_text(getattr(holder, name)) == to_text(getattr(user, name)) is not None
        for name in set(_personal_fields()) & set(others)
    )


def _insert_beside(holder: AbstractAuthUser | None, user: AbstractAuthUser) -> bool:
    """Insert the account, or only enqueue a message; return whether it is inserted."""
    shape = user_shape()
    if holder is not None and _excludes_second_account(holder, user):
        # Write one row, as an insert would.
        row = user_model()._default_manager.filter(pk=holder.pk, is_active=True)
        row.update(auth_epoch=F("auth_epoch"))
        if holder.held_value is not None:
            cause = Cause.REGISTRATION
            enqueue_message(
                MessageKind.EXISTING_ACCOUNT, holder.held_value, cause=cause
            )
        return False
    value, kind = user.held_value, MessageKind.VERIFY_RECOVERY
    if holder is not None:
        kind = MessageKind.EXISTING_ACCOUNT
        setattr(user, shape.pending, value)
        setattr(user, shape.verified, False)
        setattr(user, shape.recovery_factor, None)
    insert(user)
    if value is not None:
        enqueue_message(kind, value, user_pk=user.pk, cause=Cause.REGISTRATION)
    return True


def _taken_field(user: AbstractAuthUser, names: Iterable[str]) -> str | None:
    rows = user_model()._default_manager
    for name in names:
        value = to_text(getattr(user, name))
        if value is not None and rows.filter(**{name: value}).exists():
            return name
    return None
