"""Find the account of a pending message, and decide what to send to it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from django.core.exceptions import ValidationError

from crudauth_django.channels.base import DeliveryIntent, link_for
from crudauth_django.delivery.message import NOTICE_MAX_AGE, PendingMessage
from crudauth_django.kinds import MessageKind
from crudauth_django.models import AbstractAuthUser
from crudauth_django.security.redemption import CHANGE, RESET, VERIFY, Recovery
from crudauth_django.users import (
    find_claimant,
    find_holder,
    is_verified_elsewhere,
    user_model,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedMessage:
    """A message to one account, at one recovery value."""

    kind: MessageKind
    user: AbstractAuthUser
    recipient: str = field(repr=False)
    #: Makes the token; ``None`` for a notice.
    recovery: Recovery | None = None

    @property
    def max_age(self) -> timedelta:
        """How long after the request the message is worth sending."""
        return self.recovery.purpose.max_age() if self.recovery else NOTICE_MAX_AGE

    @property
    def account(self) -> str:
        """The name of the account to show in the message.

        If the name is the recovery value itself, the recipient is shown: a
        notice must not tell the owner of the old value the new one, and a
        confirmation must not tell the owner of the new value the old one.
        """
        name = self.user.display_name
        return self.recipient if name == self.user.recovery_value else name

    def make_intent(self, message: PendingMessage) -> DeliveryIntent:
        """Make the token, and return what a channel gets."""
        token = self.recovery.make_token(self.user) if self.recovery else None
        return DeliveryIntent(
            id=message.id,
            kind=self.kind,
            token=token,
            recipient=self.recipient,
            account=self.account,
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


def _with_token(
    recovery: Recovery, user: AbstractAuthUser, value: str
) -> ResolvedMessage:
    return ResolvedMessage(
        kind=recovery.purpose.kind, user=user, recipient=value, recovery=recovery
    )


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
    return _with_token(VERIFY, user, message.value)


def _reset(message: PendingMessage) -> ResolvedMessage | None:
    user = find_holder(message.value)
    return _with_token(RESET, user, message.value) if user else None


def _existing_account(message: PendingMessage) -> ResolvedMessage | None:
    """Resolve a registration with a value that another account holds.

    A verified holder gets a notice. Otherwise the new account gets a
    verification. If accounts log in with the value there is no new account: the
    unverified holder gets a reset, so that the owner of the value can take the
    account over with a password of their own.
    """
    holder = find_holder(message.value)
    if holder is not None and holder.is_recovery_verified:
        return _notice_of_existing_account(holder, message.value)
    if message.user_pk is not None:
        return _verification(message)
    return _with_token(RESET, holder, message.value) if holder else None


def _change(message: PendingMessage) -> ResolvedMessage | None:
    user = _account(message)
    if user is None or user.pending_value != message.value:
        return None
    if is_verified_elsewhere(user, message.value):
        holder = find_holder(message.value)
        return _notice_of_existing_account(holder, message.value) if holder else None
    return _with_token(CHANGE, user, message.value)


def _notice_of_existing_account(
    holder: AbstractAuthUser, value: str
) -> ResolvedMessage:
    return ResolvedMessage(
        kind=MessageKind.EXISTING_ACCOUNT, user=holder, recipient=value
    )


def _notice(message: PendingMessage) -> ResolvedMessage | None:
    user = _account(message)
    if user is None:
        return None
    return ResolvedMessage(
        kind=MessageKind(message.kind), user=user, recipient=message.value
    )


_RESOLVERS: dict[MessageKind, Callable[[PendingMessage], ResolvedMessage | None]] = {
    MessageKind.VERIFY_RECOVERY: _verification,
    MessageKind.RESET_PASSWORD: _reset,
    MessageKind.CHANGE_RECOVERY: _change,
    MessageKind.EXISTING_ACCOUNT: _existing_account,
    MessageKind.RECOVERY_CHANGED: _notice,
    MessageKind.PASSWORD_CHANGED: _notice,
}
