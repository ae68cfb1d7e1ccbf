"""Find the account of a pending message, and decide what to send to it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import ValidationError

from crudauth_django.channels.base import DeliveryIntent, link_for
from crudauth_django.delivery.message import NOTICE_MAX_AGE, PendingMessage
from crudauth_django.kinds import MessageKind
from crudauth_django.models import AbstractAuthUser
from crudauth_django.security.recovery import Recovery
from crudauth_django.security.redemption import CHANGE, RESET, RESET_CLAIM, VERIFY
from crudauth_django.users import (
    find_holder,
    find_newest_claimant,
    is_verified_elsewhere,
    public_name,
    user_model,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedMessage:
    """A kind of message to one account."""

    kind: MessageKind
    user: AbstractAuthUser
    #: Makes the token; ``None`` for a notice.
    recovery: Recovery | None = None

    @property
    def max_age(self) -> timedelta:
        """How long after the request the message is worth sending."""
        return self.recovery.purpose.max_age() if self.recovery else NOTICE_MAX_AGE

    def make_intent(self, message: PendingMessage) -> DeliveryIntent:
        """Make the token, and return what a channel gets."""
        token = self.recovery.make_token(self.user) if self.recovery else None
        # A notice must not tell the owner of the old value the new one, and a
        # confirmation must not tell the owner of the new value the old one.
        name = public_name(self.user) or self.user.display_name
        account = message.value if name == self.user.recovery_value else name
        return DeliveryIntent(
            id=message.id,
            kind=self.kind,
            token=token,
            recipient=message.value,
            account=account,
            language=getattr(self.user, "language", "") or message.language,
            expires_in=self.max_age if self.recovery else None,
            link=link_for(self.kind, token),
        )


def resolve(message: PendingMessage) -> ResolvedMessage | None:
    """Return the message to send, or ``None`` if no account is waiting for it."""
    return _RESOLVERS[MessageKind(message.kind)](message)


def _account(message: PendingMessage) -> AbstractAuthUser | None:
    if message.user_pk is None:
        return None
    try:
        pk = user_model()._meta.pk.to_python(message.user_pk)
    except ValidationError:
        return None
    return user_model()._default_manager.filter(pk=pk, is_active=True).first()


def _notice(user: AbstractAuthUser | None, kind: MessageKind) -> ResolvedMessage | None:
    return ResolvedMessage(kind=kind, user=user) if user else None


def _link(
    message: PendingMessage, user: AbstractAuthUser, recovery: Recovery
) -> ResolvedMessage | None:
    """Send a token, only to the value that it verifies and if that can succeed."""
    value = recovery.value(user)
    if value != message.value or is_verified_elsewhere(user, message.value):
        return None
    return ResolvedMessage(kind=recovery.purpose.kind, user=user, recovery=recovery)


def _named_or_newest_claimant(message: PendingMessage) -> AbstractAuthUser | None:
    """Return the account that the message names, or another with a claim."""
    user = _account(message)
    if user is not None and RESET_CLAIM.value(user) == message.value:
        return user
    return find_newest_claimant(message.value)


def _verification(message: PendingMessage) -> ResolvedMessage | None:
    """Serve the signed-in account, otherwise the holder, then a claimant.

    A verified holder gets nothing, and neither does a claimant beside it.
    """
    user = _account(message)
    if user is None or user.recovery_value != message.value:
        user = find_holder(message.value)
    # An unverified holder may have claimed another value since.
    if user is None or user.recovery_value != message.value:
        user = find_newest_claimant(message.value)
    if user is None or user.is_recovery_verified:
        return None
    return _link(message, user, VERIFY)


def _reset(message: PendingMessage) -> ResolvedMessage | None:
    """Serve the holder, then the account that the message names, then a claimant."""
    if (holder := find_holder(message.value)) is not None:
        return _link(message, holder, RESET)
    claimant = _named_or_newest_claimant(message)
    return _link(message, claimant, RESET_CLAIM) if claimant else None


def _existing_account(message: PendingMessage) -> ResolvedMessage | None:
    """Resolve a registration with a value that another account holds.

    A verified holder gets a notice. Otherwise the new account gets a
    verification. If accounts log in with the value there is no new account: the
    unverified holder gets a reset, so that the owner of the value can take the
    account over with a password of their own.
    """
    holder = find_holder(message.value)
    if holder is not None and holder.is_recovery_verified:
        return _notice(holder, MessageKind.EXISTING_ACCOUNT)
    if message.user_pk is not None:
        return _verification(message)
    return _link(message, holder, RESET) if holder else None


def _change(message: PendingMessage) -> ResolvedMessage | None:
    user = _account(message)
    if user is None or user.pending_value != message.value:
        return None
    if is_verified_elsewhere(user, message.value):
        return _notice(find_holder(message.value), MessageKind.EXISTING_ACCOUNT)
    return _link(message, user, CHANGE)


def _to_account(message: PendingMessage) -> ResolvedMessage | None:
    return _notice(_account(message), MessageKind(message.kind))


_RESOLVERS: dict[MessageKind, Callable[[PendingMessage], ResolvedMessage | None]] = {
    MessageKind.VERIFY_RECOVERY: _verification,
    MessageKind.RESET_PASSWORD: _reset,
    MessageKind.CHANGE_RECOVERY: _change,
    MessageKind.EXISTING_ACCOUNT: _existing_account,
    MessageKind.RECOVERY_CHANGED: _to_account,
    MessageKind.PASSWORD_CHANGED: _to_account,
}
