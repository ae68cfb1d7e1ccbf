"""Redeem tokens: one conditional ``UPDATE`` for each purpose.

A declaration names the state that a token is signed with, and the one
``UPDATE`` that the token authorises. The ``UPDATE`` tests that state in its
``WHERE`` and changes it in its ``SET``. Of parallel requests with one token,
the database lets one through.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crudauth_django.conf.settings import get_settings
from crudauth_django.exceptions import InvalidToken
from crudauth_django.kinds import MessageKind
from crudauth_django.models import AbstractAuthUser
from crudauth_django.security.tokens import Purpose, make_token, read_token
from crudauth_django.security.updates import (
    Changes,
    compare_and_set,
    credentials_of,
    transfer_pending_value,
    verified_columns,
)
from crudauth_django.users import user_shape


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovery:
    """A purpose, and the update that its token authorises."""

    purpose: Purpose
    #: Runs the update, with the caller's columns added to its ``SET``. Returns
    #: whether the row matched.
    update: Callable[[AbstractAuthUser, Changes], bool]

    def make_token(self, user: AbstractAuthUser) -> str:
        """Return a token for the present state of this account."""
        return make_token(self.purpose, user)

    def read(self, token: str) -> AbstractAuthUser:
        """Return the token's account, and redeem nothing; raises ``InvalidToken``."""
        return read_token(self.purpose, token)

    def redeem(self, user: AbstractAuthUser, **changes: Any) -> None:
        """Redeem the token that :meth:`read` has read; raises ``InvalidToken``."""
        if not self.update(user, changes):
            raise InvalidToken("redeemed or changed meanwhile")


def _verify(user: AbstractAuthUser, changes: Changes) -> bool:
    shape = user_shape()
    expected = {"auth_epoch": user.auth_epoch, shape.verified: False}
    if user.pending_value is not None:
        return transfer_pending_value(user, expected=expected, changes=changes)
    return compare_and_set(
        user,
        expected={**expected, shape.recovery_factor: user.held_value},
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


def _change(user: AbstractAuthUser, changes: Changes) -> bool:
    if user.pending_value is None:
        return False
    factor = user_shape().recovery_factor
    return transfer_pending_value(
        user,
        expected={**credentials_of(user), factor: user.held_value},
        changes=changes,
        end_sessions=True,
    )


VERIFY = Recovery(
    purpose=Purpose(
        kind=MessageKind.VERIFY_RECOVERY,
        code=1,
        max_age=lambda: get_settings().verify_max_age,
        state=lambda u: (u.recovery_value, u.is_recovery_verified, u.auth_epoch),
    ),
    update=_verify,
)
RESET = Recovery(
    purpose=Purpose(
        kind=MessageKind.RESET_PASSWORD,
        code=2,
        max_age=lambda: get_settings().reset_max_age,
        state=lambda u: (u.password, u.held_value, u.auth_epoch),
    ),
    update=_reset,
)
CHANGE = Recovery(
    purpose=Purpose(
        kind=MessageKind.CHANGE_RECOVERY,
        code=3,
        max_age=lambda: get_settings().change_max_age,
        state=lambda u: (u.password, u.held_value, u.pending_value, u.auth_epoch),
    ),
    update=_change,
)

RECOVERIES = {r.purpose.kind: r for r in (VERIFY, RESET, CHANGE)}
