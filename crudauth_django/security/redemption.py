"""Redeem tokens: one conditional ``UPDATE`` for each purpose.

A declaration names the state that a token is signed with, and the one
``UPDATE`` that the token authorises. The ``UPDATE`` tests that state in its
``WHERE`` and changes it in its ``SET``. Of parallel requests with one token,
the database lets one through.
"""

from crudauth_django.conf.settings import get_settings
from crudauth_django.kinds import MessageKind
from crudauth_django.models import AbstractAuthUser
from crudauth_django.security.recovery import Recovery
from crudauth_django.security.tokens import Purpose, purpose_code
from crudauth_django.security.updates import (
    Changes,
    compare_and_set,
    credentials_of,
    transfer_pending_value,
    verified_columns,
)
from crudauth_django.users import user_shape


def _verify(user: AbstractAuthUser, changes: Changes) -> bool:
    shape = user_shape()
    expected = {"auth_epoch": user.auth_epoch, shape.verified: False}
    if user.pending_value is not None:
        return transfer_pending_value(user, expected=expected, changes=changes)
    stored = {shape.recovery_factor: user.held_value, shape.pending: None}
    return compare_and_set(
        user,
        expected={**expected, **stored},
        changes={**verified_columns(user.held_value), **changes},
    )


def _reset(user: AbstractAuthUser, changes: Changes) -> bool:
    """Set the caller's columns; the token went to the stored value and verifies it."""
    shape = user_shape()
    return compare_and_set(
        user,
        expected={**credentials_of(user), shape.recovery_factor: user.held_value},
        changes={**changes, shape.verified: True, shape.pending: None},
        end_sessions=True,
    )


def _reset_claim(user: AbstractAuthUser, changes: Changes) -> bool:
    """Set the caller's columns; the token went to the pending value."""
    if user.pending_value is None:
        return False
    return transfer_pending_value(
        user,
        expected={**credentials_of(user), user_shape().verified: False},
        changes=changes,
        end_sessions=True,
    )


def _change(user: AbstractAuthUser, changes: Changes) -> bool:
    if user.pending_value is None:
        return False
    shape = user_shape()
    verified = getattr(user, shape.verified)
    expected = {**credentials_of(user), shape.verified: verified}
    if user.is_recovery_verified:
        expected |= {shape.recovery_factor: user.held_value}
    return transfer_pending_value(
        user, expected=expected, changes=changes, end_sessions=True
    )


VERIFY = Recovery(
    purpose=Purpose(
        kind=MessageKind.VERIFY_RECOVERY,
        code=1,
        contested_code=4,
        max_age=lambda: get_settings().verify_max_age,
        state=lambda u: (u.recovery_value, u.is_recovery_verified, u.auth_epoch),
    ),
    value=lambda u: u.recovery_value,
    update=_verify,
)
RESET = Recovery(
    purpose=Purpose(
        kind=MessageKind.RESET_PASSWORD,
        code=2,
        max_age=lambda: get_settings().reset_max_age,
        state=lambda u: (u.password, u.held_value, u.auth_epoch),
    ),
    value=lambda u: u.held_value,
    update=_reset,
)
#: The reset of an unverified account by the value that it only claims.
RESET_CLAIM = Recovery(
    purpose=Purpose(
        kind=MessageKind.RESET_PASSWORD,
        code=6,
        max_age=lambda: get_settings().reset_max_age,
        state=lambda u: (
            u.password,
            u.pending_value,
            u.is_recovery_verified,
            u.auth_epoch,
        ),
    ),
    value=lambda u: None if u.is_recovery_verified else u.pending_value,
    update=_reset_claim,
)
CHANGE = Recovery(
    purpose=Purpose(
        kind=MessageKind.CHANGE_RECOVERY,
        code=3,
        contested_code=5,
        max_age=lambda: get_settings().change_max_age,
        # An unverified account's stored value is a claim, too. It may go to the
        # account that verifies it, which this account's owner must not notice.
        state=lambda u: (
            u.password,
            u.held_value if u.is_recovery_verified else None,
            u.pending_value,
            u.auth_epoch,
        ),
    ),
    value=lambda u: u.pending_value,
    update=_change,
)

#: The token of a reset message is made by :data:`RESET` or :data:`RESET_CLAIM`.
RECOVERIES = {r.purpose.kind: r for r in (VERIFY, RESET, CHANGE)}


def reset_of(token: str) -> Recovery:
    """Return the reset that has made this token; raises ``InvalidToken``."""
    claimed = purpose_code(token) == RESET_CLAIM.purpose.code
    return RESET_CLAIM if claimed else RESET
