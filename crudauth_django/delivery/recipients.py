"""Find the account of a pending message, and decide what to send to it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import ValidationError

from crudauth_django.channels.base import DeliveryIntent, link_for
from crudauth_django.delivery.message import NOTICE_MAX_AGE, PendingMessage
from crudauth_django.kinds import MessageKind
from crudauth_django.models import AbstractAuthUser
from crudauth_django.security.redemption import RECOVERIES
from crudauth_django.users import (
    find_claimant,
    find_holder,
    is_verified_elsewhere,
    user_model,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedMessage:
    """A kind of message to one account."""

    kind: MessageKind
    user: AbstractAuthUser

    @property
    def max_age(self) -> timedelta:
        """How long after the request the message is worth sending."""
        recovery = RECOVERIES.get(self.kind)
        return recovery.purpose.max_age() if recovery else NOTICE_MAX_AGE

    def make_intent(self, message: PendingMessage) -> DeliveryIntent:
        """Make the token, and return what a channel gets."""
        recovery = RECOVERIES.get(self.kind)
        token = recovery.make_token(self.user) if recovery else None
        # A notice must not tell the owner of the old value the new one, and a
        # confirmation must not tell the owner of the new value the old one.
        name = self.user.display_name
        account = message.value if name == self.user.recovery_value else name
        return DeliveryIntent(
            id=message.id,
            kind=self.kind,
            token=token,
            recipient=message.value,
            account=account,
            language=getattr(self.user, "language", "") or message.language,
            expires_in=self.max_age if recovery else None,
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


def _to(user: AbstractAuthUser | None, kind: MessageKind) -> ResolvedMessage | None:
    return ResolvedMessage(kind=kind, user=user) if user else None


def _verification(message: PendingMessage) -> ResolvedMessage | None:
    """Serve the signed-in account, otherwise the latest claim, then the holder."""
    user = _account(message)
    if user is None or user.recovery_value != message.value:
        user = find_claimant(message.value) or find_holder(message.value)
    if user is None or user.is_recovery_verified:
        return None
    if user.recovery_value != message.value:
        return None
    if is_verified_elsewhere(user, message.value):
        return None
    return _to(user, MessageKind.VERIFY_RECOVERY)


def _reset(message: PendingMessage) -> ResolvedMessage | None:
    return _to(find_holder(message.value), MessageKind.RESET_PASSWORD)


def _existing_account(message: PendingMessage) -> ResolvedMessage | None:
    """Resolve a registration with a value that another account holds.

    A verified holder gets a notice. Otherwise the new account gets a
    verification. If accounts log in with the value there is no new account: the
    unverified holder gets a reset, so that the owner of the value can take the
    account over with a password of their own.
    """
    holder = find_holder(message.value)
    if holder is not None and holder.is_recovery_verified:
        return _to(holder, MessageKind.EXISTING_ACCOUNT)
    if message.user_pk is not None:
        return _verification(message)
    return _to(holder, MessageKind.RESET_PASSWORD)


def _change(message: PendingMessage) -> ResolvedMessage | None:
    user = _account(message)
    if user is None or user.pending_value != message.value:
        return None
    if is_verified_elsewhere(user, message.value):
        return _to(find_holder(message.value), MessageKind.EXISTING_ACCOUNT)
    return _to(user, MessageKind.CHANGE_RECOVERY)


def _notice(message: PendingMessage) -> ResolvedMessage | None:
    return _to(_account(message), MessageKind(message.kind))


_RESOLVERS: dict[MessageKind, Callable[[PendingMessage], ResolvedMessage | None]] = {
    MessageKind.VERIFY_RECOVERY: _verification,
    MessageKind.RESET_PASSWORD: _reset,
    MessageKind.CHANGE_RECOVERY: _change,
    MessageKind.EXISTING_ACCOUNT: _existing_account,
    MessageKind.RECOVERY_CHANGED: _notice,
    MessageKind.PASSWORD_CHANGED: _notice,
}
