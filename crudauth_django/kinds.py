"""The kinds of messages, and the outcomes of their delivery."""

from enum import StrEnum

__all__ = ["KINDS", "NOTICE_KINDS", "TOKEN_KINDS", "MessageKind", "Outcome"]


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
#: Every kind that a flow sends.
KINDS = TOKEN_KINDS + NOTICE_KINDS


class Outcome(StrEnum):
    """How one attempt over one channel ended."""

    DELIVERED = "delivered"
    #: It will be tried again.
    FAILED = "failed"
    #: The provider will never accept it.
    REJECTED = "rejected"
    #: It failed, and it is too late for another attempt.
    GAVE_UP = "gave_up"
