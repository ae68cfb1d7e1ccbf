"""Conditional updates of an account: compare-and-set.

Each is one ``UPDATE`` whose ``WHERE`` holds the state that was read. Its row
count decides.
"""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, connections, transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce

from crudauth_django.exceptions import InvalidCredentials
from crudauth_django.models import AbstractAuthUser
from crudauth_django.users import field_of, user_database, user_model, user_shape

Changes = Mapping[str, Any]


def compare_and_set(
    user: AbstractAuthUser,
    *,
    expected: Mapping[str, Any],
    changes: Changes,
    end_sessions: bool = False,
) -> bool:
    """Update the account if its row still has the expected values.

    Returns whether it did; then ``user`` has the new values, except expressions.
    ``end_sessions`` adds :func:`ended_sessions`. A closed account never matches.
    """
    row = user_model()._base_manager.filter(pk=user.pk, is_active=True, **expected)
    ended = ended_sessions() if end_sessions else {}
    if not row.update(**{**ended, **changes}):
        return False
    cancelled: dict[str, Any] = {}
    if end_sessions:
        cancelled = {"auth_epoch": user.auth_epoch + 1}
        if user.is_recovery_verified:
            cancelled[user_shape().pending] = None
    expressions = {name for name in changes if hasattr(changes[name], "as_sql")}
    plain = {name: changes[name] for name in changes.keys() - expressions}
    user.set_saved(**{**cancelled, **plain})
    return True


def end_sessions_of(user: AbstractAuthUser) -> None:
    """End every session of an account, active or closed."""
    user_model()._base_manager.filter(pk=user.pk).update(**ended_sessions())


def ended_sessions() -> dict[str, Any]:
    """Return the columns of an ``UPDATE`` that ends every session of an account.

    A pending change of a verified account is cancelled: another person may have known
    the password and asked for it. The row says whether it is verified, because the
    instance may have been read before. An unverified account keeps its claim, which
    is the value that its owner sees.
    """
    columns: dict[str, Any] = {"auth_epoch": F("auth_epoch") + 1}
    shape = user_shape()
    if shape.factor is not None:
        verified = When(**{shape.verified: True}, then=Value(None))
        columns[shape.pending] = Case(verified, default=F(shape.pending))
    return columns


def credentials_of(user: AbstractAuthUser) -> dict[str, Any]:
    """Return the columns that differ after any change of the credentials."""
    return {"password": user.password, "auth_epoch": user.auth_epoch}


def verified_columns(value: str | None) -> dict[str, Any]:
    """Return the columns of an account that has verified this value."""
    shape = user_shape()
    return {shape.recovery_factor: value, shape.verified: True, shape.pending: None}


def transfer_pending_value(
    user: AbstractAuthUser,
    *,
    expected: Mapping[str, Any],
    changes: Changes,
    end_sessions: bool = False,
) -> bool:
    """Verify the pending value, which another account may hold unverified.

    The other account claims it again, unless it claims a newer value. Its owner sees
    no difference. From an account that has verified it nothing is taken: the unique
    column refuses.
    """
    factor, pending = user_shape().recovery_factor, user_shape().pending
    value = user.pending_value
    unverified = {factor: value, user_shape().verified: False}
    holders = user_model()._base_manager.filter(**unverified).exclude(pk=user.pk)
    claimed = Coalesce(F(pending), Value(value, output_field=field_of(pending)))
    try:
        with transaction.atomic(using=user_database()):
            _lock_in_order(user, value)
            if field_of(factor).null:
                holders.update(**{factor: None, pending: claimed})
            if compare_and_set(
                user,
                expected={**expected, pending: value},
                changes={**verified_columns(value), **changes},
                end_sessions=end_sessions,
            ):
                return True
            transaction.set_rollback(True, using=user_database())
    except IntegrityError:
        pass
    return False


def claim_value(user: AbstractAuthUser, value: str) -> None:
    """Store a claim, if the account is as it was read.

    A value that the row holds is not claimed; it only cancels the claim of another.
    Raises ``InvalidCredentials``: the password may have changed meanwhile.
    """
    shape = user_shape()
    claim = Value(value, output_field=field_of(shape.pending))
    held = When(**{shape.recovery_factor: value}, then=Value(None))
    changes = {shape.pending: Case(held, default=claim)}
    if not compare_and_set(user, expected=credentials_of(user), changes=changes):
        raise InvalidCredentials
    user.set_saved(**{shape.pending: None if value == user.held_value else value})


def replace_password(user: AbstractAuthUser, encoded: str) -> None:
    """Store a new hash and end every session, if the account is as it was read.

    Raises ``InvalidCredentials``.
    """
    changes, expected = {"password": encoded}, credentials_of(user)
    if not compare_and_set(user, expected=expected, changes=changes, end_sessions=True):
        raise InvalidCredentials


def _lock_in_order(user: AbstractAuthUser, value: str | None) -> None:
    """Lock both accounts by key, so that two that swap values do not deadlock.

    SQLite has one writer, so it has and needs no row locks.
    """
    if connections[user_database()].features.has_select_for_update:
        rows = user_model()._base_manager.select_for_update().order_by("pk")
        either = Q(pk=user.pk) | Q(**{user_shape().recovery_factor: value})
        list(rows.filter(either).values_list("pk", flat=True))
