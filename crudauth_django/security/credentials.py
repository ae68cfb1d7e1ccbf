"""Compare a password, behind the lockout."""

import logging
from collections.abc import Iterable

from django.views.decorators.debug import sensitive_variables

from crudauth_django.client import Client
from crudauth_django.exceptions import CountersUnavailable, InvalidCredentials
from crudauth_django.identity import passwords
from crudauth_django.models import AbstractAuthUser
from crudauth_django.security import lockout
from crudauth_django.users import (
    find_by_identifier,
    identifiers_of,
    login_requires_verified,
)

logger = logging.getLogger(__name__)


@sensitive_variables()
def verify_credentials(
    *, identifier: str, password: str, client: Client
) -> AbstractAuthUser:
    """Return the account with this identifier and password.

    An unknown identifier, a closed account and a wrong password do the same
    work and raise the same ``InvalidCredentials``. Raises ``LockedOut`` and
    ``CountersUnavailable`` before a password is compared.
    """
    return _check(
        [identifier],
        password,
        user=find_by_identifier(identifier),
        client=client,
        require_verified=login_requires_verified(),
    )


@sensitive_variables()
def reauthenticate(*, user: AbstractAuthUser, password: str, client: Client) -> None:
    """Compare the password of a signed-in user; it shares the login's budget.

    Raises as :func:`verify_credentials` does.
    """
    _check(identifiers_of(user), password, user=user, client=client)


def unlock_after_reset(user: AbstractAuthUser) -> None:
    """Unlock the account; without counters the reset succeeds all the same."""
    try:
        lockout.unlock(user)
    except CountersUnavailable:
        logger.error("A reset could not unlock the account: no counters.")


@sensitive_variables()
def _check(
    identifiers: Iterable[str],
    password: str,
    *,
    user: AbstractAuthUser | None,
    client: Client,
    require_verified: bool = False,
) -> AbstractAuthUser:
    attempt = lockout.begin_attempt(identifiers=identifiers, user=user, client=client)
    if user is None or not user.is_active:
        # Hash all the same: an unknown account must cost the same time.
        matches = passwords.check_password(password, None, lambda _raw: None)
    else:
        matches = user.check_password(password)
    unverified = require_verified and user is not None and _needs_verification(user)
    if user is None or not matches or attempt.account_locked or unverified:
        attempt.failed()
        raise InvalidCredentials
    attempt.succeeded(user)
    return user


def _needs_verification(user: AbstractAuthUser) -> bool:
    """Return whether the account has a recovery value to verify.

    A registration creates neither superusers nor accounts without a value.
    """
    has_value = user.recovery_value is not None
    return has_value and not (user.is_superuser or user.is_recovery_verified)
