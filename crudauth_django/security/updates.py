"""Conditional updates of an account: compare-and-set.

Each is one ``UPDATE`` whose ``WHERE`` holds the state that was read. Its row
count decides.
"""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, connections, transaction
from django.db.models import F, Q

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

    Returns whether it did; then ``user`` has the new values. ``end_sessions``
    raises ``auth_epoch``. A closed account never matches.
    """
    row = user_model()._base_manager.filter(pk=user.pk, is_active=True, **expected)
    epoch = {"auth_epoch": F("auth_epoch") + 1} if end_sessions else {}
    if not row.update(**changes, **epoch):
        return False
    raised = {"auth_epoch": user.auth_epoch + 1} if end_sessions else {}
    user.set_saved(**changes, **raised)
    return True


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

    The other account claims it again, and its owner sees no difference. From an
    account that has verified it nothing is taken: the unique column refuses.
    """
    factor, pending = user_shape().recovery_factor, user_shape().pending
    value = user.pending_value
    unverified = {factor: value, user_shape().verified: False}
    holders = user_model()._base_manager.filter(**unverified).exclude(pk=user.pk)
    try:
        with transaction.atomic(using=user_database()):
            _lock_in_order(user, value)
            if field_of(factor).null:
                holders.update(**{factor: None, pending: value})
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


def claim_value(user: AbstractAuthUser, value: str | None) -> None:
    """Store a claim, or cancel it, if the account is as it was read.

    Raises ``InvalidCredentials``: the password may have changed meanwhile.
    """
    changes = {user_shape().pending: value}
    if not compare_and_set(user, expected=credentials_of(user), changes=changes):
        raise InvalidCredentials


def replace_password(user: AbstractAuthUser, encoded: str) -> None:
    """Store a new hash and end every session, if the account is as it was read.

    A pending change of a verified account is cancelled: another person may have
    known the old password and asked for it. An unverified account keeps its
    claim, which is the value that its owner sees. Raises ``InvalidCredentials``.
    """
    cancelled = {user_shape().pending: None} if user.is_recovery_verified else {}
    changes = {"password": encoded, **cancelled}
    expected = credentials_of(user)
    if not compare_and_set(user, expected=expected, changes=changes, end_sessions=True):
        raise InvalidCredentials


def _lock_in_order(user: AbstractAuthUser, value: str | None) -> None:
    """Lock both accounts by key, so that two that swap values do not deadlock.

    SQLite has one writer, so it has and needs no row locks.
    """
    if connections[user_database()].features.has_select_for_update:
        rows = user_model()._default_manager.select_for_update().order_by("pk")
        either = Q(pk=user.pk) | Q(**{user_shape().recovery_factor: value})
        list(rows.filter(either).values_list("pk", flat=True))
