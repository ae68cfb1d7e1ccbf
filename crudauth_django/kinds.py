"""The kinds of messages, and the outcomes of their delivery."""

from enum import StrEnum

__all__ = [
    "EVENT_KINDS",
    "KINDS",
    "NOTICE_KINDS",
    "TOKEN_KINDS",
    "Cause",
    "MessageKind",
    "Outcome",
]


class MessageKind(StrEnum):
    """A kind of message; its value is the name of its templates."""

    VERIFY_RECOVERY = "verify_recovery"
    RESET_PASSWORD = "reset_password"  # noqa: S105 (a kind of message)
    CHANGE_RECOVERY = "change_recovery"
    EXISTING_ACCOUNT = "existing_account"
    RECOVERY_CHANGED = "recovery_changed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 (a kind of message)
    #: Sent by ``crudauth_send_test`` only. It has no token.
    TEST_MESSAGE = "test_message"


#: Messages with a token.
TOKEN_KINDS = (
    MessageKind.VERIFY_RECOVERY,
    MessageKind.RESET_PASSWORD,
    MessageKind.CHANGE_RECOVERY,
)
#: Notices, which have no token.
NOTICE_KINDS = (
    MessageKind.EXISTING_ACCOUNT,
    MessageKind.RECOVERY_CHANGED,
    MessageKind.PASSWORD_CHANGED,
)
#: Notices of what has happened: only a password or a token causes them.
EVENT_KINDS = (MessageKind.RECOVERY_CHANGED, MessageKind.PASSWORD_CHANGED)
#: Every kind that a flow sends.
KINDS = TOKEN_KINDS + NOTICE_KINDS


class Cause(StrEnum):
    """The cause of a message."""

    REQUEST = "request"
    #: A registration, with a value that may belong to another person.
    REGISTRATION = "registration"


class Outcome(StrEnum):
    """What became of a message, over one channel."""

    DELIVERED = "delivered"
    #: It will be tried again.
    FAILED = "failed"
    #: The provider will never accept it.
    REJECTED = "rejected"
    #: It failed, and there will be no other attempt.
    GAVE_UP = "gave_up"
    #: A budget was used up, so the channel was not tried.
    HELD_BACK = "held_back"
