"""The recoveries: one mechanism, declared once for each purpose.

A declaration names what a token is signed with, which account a question is
about, and the one ``UPDATE`` that spends a token: it tests the signed state in
its ``WHERE`` and changes it in its ``SET``, so that of any number of requests
with one token, one wins, on every database.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, connections, transaction
from django.db.models import F, Q, QuerySet

from crudauth_django.channels import base as kinds
from crudauth_django.conf import get_settings
from crudauth_django.identity import shape, user_database, user_model
from crudauth_django.tokens import Purpose

if TYPE_CHECKING:
    from crudauth_django.models import AbstractAuthUser

Spend = Callable[["AbstractAuthUser", dict[str, Any]], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovery:
    """A purpose, and the update that its token authorises."""

    purpose: Purpose
    #: Makes the update, with the columns that the caller adds to its ``SET``;
    #: whether this caller won.
    spend: Spend


def unchanged(user: AbstractAuthUser, **state: Any) -> QuerySet[AbstractAuthUser]:
    """Select the row of ``user`` if it still is what the arguments say."""
    return user_model()._default_manager.filter(pk=user.pk, is_active=True, **state)


def win(
    user: AbstractAuthUser, row: QuerySet[AbstractAuthUser], **columns: Any
) -> bool:
    """Make the one update; the winner's instance shows what it wrote.

    ``auth_epoch`` can only be raised by one.
    """
    if not row.update(**columns):
        return False
    if "auth_epoch" in columns:
        columns["auth_epoch"] = user.auth_epoch + 1
    user.take_over(columns)
    return True


def dropped_change(user: AbstractAuthUser) -> dict[str, Any]:
    """Return the columns that call off a change which was asked for.

    Whoever knew the old password may have asked. What an unproven account
    claims stays: it is the value that its owner sees.
    """
    return {shape().pending: None} if user.is_recovery_verified else {}


def proven(value: str | None, **columns: Any) -> dict[str, Any]:
    """Return the columns that make a proven value the account's own."""
    return {
        shape().recovery_factor: value,
        shape().verified: True,
        shape().pending: None,
        **columns,
    }


def win_from_unproven(
    user: AbstractAuthUser,
    *,
    value: str | None,
    row: QuerySet[AbstractAuthUser],
    **columns: Any,
) -> bool:
    """Take a value that another account may hold without having proven it.

    That one goes back to claiming it, and looks the same from inside. From an
    account that has proven it, nothing is taken: the unique column says no.
    """
    factor, pending = shape().recovery_factor, shape().pending
    try:
        with transaction.atomic(using=user_database()):
            _lock_in_order(user, value)
            if user_model()._meta.get_field(factor).null:
                user_model()._default_manager.filter(
                    **{factor: value, shape().verified: False}
                ).exclude(pk=user.pk).update(**{factor: None, pending: value})
            if win(user, row, **proven(value, **columns)):
                return True
            transaction.set_rollback(True, using=user_database())
    except IntegrityError:
        pass
    return False


def _lock_in_order(user: AbstractAuthUser, value: str | None) -> None:
    """Lock the rows of both accounts, so that two that swap values don't deadlock.

    SQLite, with its one writer, has no such locks and needs none.
    """
    if connections[user_database()].features.has_select_for_update:
        rows = user_model()._default_manager.select_for_update().order_by("pk")
        either = Q(pk=user.pk) | Q(**{shape().recovery_factor: value})
        list(rows.filter(either).values_list("pk", flat=True))


def _verify(user: AbstractAuthUser, columns: dict[str, Any]) -> bool:
    names = shape()
    state = {"auth_epoch": user.auth_epoch, names.verified: False}
    if user.pending_value is None:
        row = unchanged(user, **{names.recovery_factor: user.held_value}, **state)
        return win(user, row, **proven(user.held_value, **columns))
    row = unchanged(user, **{names.pending: user.pending_value}, **state)
    return win_from_unproven(user, value=user.pending_value, row=row, **columns)


def _reset(user: AbstractAuthUser, columns: dict[str, Any]) -> bool:
    """Set what the caller gives; the token went to the held value, and proves it."""
    names = shape()
    row = unchanged(
        user,
        password=user.password,
        auth_epoch=user.auth_epoch,
        **{names.recovery_factor: user.held_value},
    )
    columns |= {
        names.verified: True,
        names.pending: None,
        "auth_epoch": F("auth_epoch") + 1,
    }
    return win(user, row, **columns)


def _change(user: AbstractAuthUser, columns: dict[str, Any]) -> bool:
    names = shape()
    row = unchanged(
        user,
        password=user.password,
        auth_epoch=user.auth_epoch,
        **{names.recovery_factor: user.held_value, names.pending: user.pending_value},
    )
    return win_from_unproven(
        user,
        value=user.pending_value,
        row=row,
        auth_epoch=F("auth_epoch") + 1,
        **columns,
    )


VERIFY = Recovery(
    purpose=Purpose(
        name=kinds.VERIFY_RECOVERY,
        code=1,
        max_age=lambda: get_settings().verify_max_age,
        state=lambda user: (
            user.recovery_value,
            user.is_recovery_verified,
            user.auth_epoch,
        ),
    ),
    spend=_verify,
)
RESET = Recovery(
    purpose=Purpose(
        name=kinds.RESET_PASSWORD,
        code=2,
        max_age=lambda: get_settings().reset_max_age,
        state=lambda user: (user.password, user.held_value, user.auth_epoch),
    ),
    spend=_reset,
)
CHANGE = Recovery(
    purpose=Purpose(
        name=kinds.CHANGE_RECOVERY,
        code=3,
        max_age=lambda: get_settings().change_max_age,
        state=lambda user: (
            user.password,
            user.held_value,
            user.pending_value,
            user.auth_epoch,
        ),
    ),
    spend=_change,
)

RECOVERIES = {r.purpose.name: r for r in (VERIFY, RESET, CHANGE)}
