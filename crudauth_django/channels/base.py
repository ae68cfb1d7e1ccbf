"""What a channel is, and what it is handed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

#: Kinds of messages that carry a token, and notices, which carry none.
VERIFY_RECOVERY = "verify_recovery"
RESET_PASSWORD = "reset_password"  # noqa: S105 (a kind of message)
CHANGE_RECOVERY = "change_recovery"
EXISTING_ACCOUNT = "existing_account"
RECOVERY_CHANGED = "recovery_changed"
PASSWORD_CHANGED = "password_changed"  # noqa: S105 (a kind of message)

TOKEN_KINDS = (VERIFY_RECOVERY, RESET_PASSWORD, CHANGE_RECOVERY)
NOTICE_KINDS = (EXISTING_ACCOUNT, RECOVERY_CHANGED, PASSWORD_CHANGED)
KINDS = TOKEN_KINDS + NOTICE_KINDS

#: What ``crudauth_send_test`` sends: it says that it is a test, carries no
#: token, and no flow ever sends it.
TEST_MESSAGE = "test_message"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryIntent:
    """One thing to tell one person. It never holds the user row."""

    #: The same for every try at this message: an idempotency key.
    id: str
    #: One of ``KINDS``.
    kind: str
    #: The secret to hand over; ``None`` for a notice, which asks for nothing.
    token: str | None = field(repr=False)
    #: The recovery value to send to, in its normal form.
    recipient: str = field(repr=False)
    #: The name of the account that speaks, to show in the text.
    account: str = field(repr=False)
    #: A language code such as ``"es"`` or ``"pt-br"``; ``""`` if unknown.
    language: str = ""
    #: How long the token works; ``None`` for a notice.
    expires_in: timedelta | None = None
    #: The address to open, token included; ``""`` without
    #: ``CRUDAUTH_FRONTEND_URL``.
    link: str = field(default="", repr=False)


class DeliveryChannel(ABC):
    """A medium: it owns the transport and the copy, never the token's life.

    Implement ``deliver``, as ``def`` or ``async def``. Raise
    ``DeliveryFailed`` when another try may help, ``DeliveryRejected`` when none
    will; anything else that is raised counts as failed. Nothing raised here
    reaches a request. Set time limits: a channel that hangs holds one of the
    dispatcher's workers.
    """

    #: The recovery factors whose values this channel can reach; ``None`` for
    #: all. ``OPTIONS: {"factors": [...]}`` sets it per registration.
    factors: tuple[str, ...] | None = None

    #: Whether its messages are SMS, each of whose segments costs. A deploy
    #: check counts those of the shipped texts.
    sends_sms: bool = False

    def __init__(self, *, factors: Iterable[str] | None = None) -> None:
        if factors is not None:
            self.factors = tuple(factors)

    @abstractmethod
    def deliver(self, intent: DeliveryIntent) -> Awaitable[None] | None:
        """Send it, or return without sending a kind that is not for this medium."""

    def serves(self, factor: str) -> bool:
        """Whether values of this recovery factor can be reached by this channel."""
        return self.factors is None or factor in self.factors
