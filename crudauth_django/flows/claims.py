"""Insert an account that holds its recovery value, or only claims it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, transaction
from django.db.models import Case, Q, When

from crudauth_django.dispatch.enqueue import atomic_with_outbox, enqueue_message
from crudauth_django.exceptions import IdentifierTaken
from crudauth_django.flows.decoys import (
    delete_decoy,
    insert_decoy,
    make_decoy,
    make_plain_decoy,
)
from crudauth_django.identity.normalize import to_text
from crudauth_django.kinds import Cause, MessageKind
from crudauth_django.models import AbstractAuthUser
from crudauth_django.users import (
    field_of,
    personal_fields,
    taken_field,
    taken_name,
    user_database,
    user_model,
    user_shape,
)

logger = logging.getLogger(__name__)

#: Another request may take a value between the look-up and the insert.
MAX_TRIES = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """An account with a personal value of a new account."""

    user: AbstractAuthUser
    #: Whether only one account can have the value.
    excludes_second: bool


def insert_or_claim(user: AbstractAuthUser) -> bool:
    """Insert the account; a value that another account holds is only claimed.

    If only one account can have the value, nothing is created. For a free and
    for a held value, the same statements run, a key is spent and one message is
    enqueued. Returns whether an account was created. Raises ``IdentifierTaken``.
    """
    # Chosen names first: their errors must not depend on personal values.
    if (field := taken_name(user)) is not None:
        raise IdentifierTaken(field)
    for _try in range(MAX_TRIES):
        holder = _find_any_holder(user)
        try:
            with atomic_with_outbox():
                return _insert_beside(holder, user)
        except IdentifierTaken as error:
            if error.field not in _personal_values(user):
                raise
            taken = error
    raise taken


def _personal_values(user: AbstractAuthUser) -> dict[str, str]:
    values = {name: to_text(getattr(user, name)) for name in personal_fields()}
    return {name: value for name, value in values.items() if value}


def _exclusive_values(user: AbstractAuthUser) -> dict[str, str]:
    """Return the personal values that only one account can have.

    An account claims the recovery value if the column is nullable and the
    account has another identifier. There are no claims of other values.
    """
    shape, values = user_shape(), _personal_values(user)
    others = [name for name in shape.identifiers if name != shape.factor]
    has_other = any(getattr(user, name) not in {None, ""} for name in others)
    if shape.factor in values and has_other and field_of(shape.recovery_factor).null:
        del values[shape.recovery_factor]
    return values


def _any_of(values: dict[str, str]) -> Q:
    return reduce(or_, (Q(value) for value in values.items()), Q(pk__in=[]))


def _find_any_holder(user: AbstractAuthUser) -> Holder | None:
    """Return an account with one of the personal values, in one query.

    The database compares the values, as its unique columns do.
    """
    if not (values := _personal_values(user)):
        return None
    # Numbers, since MariaDB can't cast a constant to a boolean.
    exclusive = When(_any_of(_exclusive_values(user)), then=1)
    rows = user_model()._base_manager.filter(_any_of(values))
    rows = rows.annotate(excludes_second=Case(exclusive, default=0))
    found = rows.order_by("-excludes_second", "pk").first()
    if found is None:
        return None
    return Holder(user=found, excludes_second=bool(vars(found)["excludes_second"]))


def _insert_beside(holder: Holder | None, user: AbstractAuthUser) -> bool:
    """Insert the account, or a decoy; return whether there is a new account."""
    if holder is not None and holder.excludes_second:
        _spend_key(user)
        # A message is enqueued in any case, also if the other account has no
        # recovery value. It may resolve to no account. A claim counts like a held
        # value: the recipient must not reveal which of both it is.
        if value := holder.user.recovery_value or user.held_value:
            enqueue_message(
                MessageKind.EXISTING_ACCOUNT, value, cause=Cause.REGISTRATION
            )
        return False
    value, kind = user.recovery_value, MessageKind.VERIFY_RECOVERY
    if holder is not None:
        shape, kind = user_shape(), MessageKind.EXISTING_ACCOUNT
        setattr(user, shape.pending, value)
        setattr(user, shape.verified, False)
        setattr(user, shape.recovery_factor, None)
    _insert(user)
    if value is not None:
        enqueue_message(kind, value, user_pk=user.pk, cause=Cause.REGISTRATION)
    return True


def _insert(user: AbstractAuthUser) -> None:
    """Insert the account; the database decides about uniqueness.

    Raises ``IdentifierTaken``.
    """
    try:
        with _one_write():
            user.save(force_insert=True)
            if _exclusive_values(user):
                delete_decoy(user)
    except (IntegrityError, DataError) as error:
        field, value = _taken_fields(user)
        if field := field or value:
            raise IdentifierTaken(field) from error
        if _exclusive_values(user):
            # The same statements, and keys, as for a held value.
            _are_extras_refused(user)
        raise


def _spend_key(user: AbstractAuthUser) -> None:
    """Insert and delete a decoy, with the statements of an account.

    Raises ``IdentifierTaken`` for a chosen name, and the error of the database if
    it refuses the values beside the personal ones: the account would raise it, too.
    If it refuses the decoy's own values, the response stays the same and the log
    has an error.
    """
    decoy = make_decoy(user, personal_fields())
    try:
        with _one_write():
            insert_decoy(decoy)
            delete_decoy(decoy)
    except (IntegrityError, DataError) as error:
        field, _value = _taken_fields(user)
        if field:
            raise IdentifierTaken(field) from error
        if _are_extras_refused(user):
            raise
        logger.error(
            "The database refused a decoy (%s): the keys of accounts reveal which "
            "values are held. A constraint or a required column of your own is "
            "the cause.",
            type(error).__name__,
        )


def _taken_fields(user: AbstractAuthUser) -> tuple[str | None, str | None]:
    """Name a taken name and a taken personal value, with the same queries for each."""
    return taken_name(user), taken_field(user, personal_fields())


def _are_extras_refused(user: AbstractAuthUser) -> bool:
    """Return whether the database refuses values beside the personal ones.

    The model's constraints tell, and a decoy with the defaults of all columns.
    """
    try:
        user.validate_constraints(exclude=set(personal_fields()))
    except (ValidationError, DataError):
        return True
    decoy = make_plain_decoy(make_decoy(user, personal_fields()))
    try:
        with _one_write():
            insert_decoy(decoy)
            delete_decoy(decoy)
    except (IntegrityError, DataError):
        return False
    return True


@contextmanager
def _one_write() -> Iterator[None]:
    """Undo the statements after an error; SQLite's driver refuses long numbers."""
    try:
        with transaction.atomic(using=user_database()):
            yield
    except OverflowError as error:
        raise DataError("a number is too large for the database") from error
