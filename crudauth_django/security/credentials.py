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


class AccountRefused(InvalidCredentials):
    """The account decides here, so no other backend may compare the password."""


@sensitive_variables()
def verify_credentials(
    *, identifier: str, password: str, client: Client
) -> AbstractAuthUser:
    """Return the account with this identifier and password.

    An unknown identifier, a closed account and a wrong password do the same
    work and raise ``InvalidCredentials``. Raises ``LockedOut`` and
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


def unlock_after_reset(user: AbstractAuthUser, client: Client | None) -> None:
    """Unlock for the owner; without counters the reset succeeds all the same."""
    try:
        lockout.unlock_for_owner(user, client or Client())
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
    unverified = require_verified and user is not None and _needs_verification(user)
    refused = attempt.account_locked or unverified
    if user is None or not user.is_active:
        # Hash all the same: an unknown account must cost the same time.
        passwords.refuse_password(password, None)
    elif refused:
        passwords.refuse_password(password, user.password)
    elif user.check_password(password):
        attempt.succeeded()
        return user
    attempt.failed()
    if user is not None and (refused or user.has_usable_password()):
        raise AccountRefused
    raise InvalidCredentials


def _needs_verification(user: AbstractAuthUser) -> bool:
    """Return whether the account has a recovery value to verify.

    A registration creates neither superusers nor accounts without a value.
    """
    has_value = user.recovery_value is not None
    return has_value and not (user.is_superuser or user.is_recovery_verified)
