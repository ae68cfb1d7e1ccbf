"""The errors of the domain; none of them knows HTTP."""

from typing import Any

__all__ = [
    "CountersUnavailable",
    "CrudauthError",
    "DeliveryError",
    "DeliveryFailed",
    "DeliveryMisconfigured",
    "DeliveryRejected",
    "IdentifierTaken",
    "InvalidCredentials",
    "InvalidToken",
    "LockedOut",
    "PasswordRequired",
    "RegistrationClosed",
    "Throttled",
]


class CrudauthError(Exception):
    """The base class of this package's errors."""


class InvalidToken(CrudauthError):
    """The token is malformed, expired, redeemed, or its account has changed.

    The reason is logged at DEBUG. A client never learns it.
    """


class InvalidCredentials(CrudauthError):
    """The identifier is unknown, the password is wrong, or the account is closed."""


class PasswordRequired(CrudauthError):
    """Only the account's owner may redeem this token, and the client is not known.

    ``value`` is the recovery value that it was sent to, ``user_pk`` its account. The
    flow sends a password reset to the value.
    """

    def __init__(self, *, value: str, user_pk: object) -> None:
        super().__init__("the password of the account is required")
        self.value = value
        self.user_pk = user_pk


class LockedOut(CrudauthError):
    """Too many failures; wait ``retry_after`` seconds."""

    def __init__(self, *, retry_after: int) -> None:
        super().__init__("too many failed attempts")
        self.retry_after = retry_after


class Throttled(CrudauthError):
    """Too many requests; wait ``retry_after`` seconds."""

    def __init__(self, *, retry_after: int) -> None:
        super().__init__("too many requests")
        self.retry_after = retry_after


class CountersUnavailable(CrudauthError):
    """The counter store did not respond, so the request is refused."""


class IdentifierTaken(CrudauthError):
    """Another account has this identifier; ``field`` is the model field."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class RegistrationClosed(CrudauthError):
    """``CRUDAUTH_REGISTRATION_OPEN`` is off."""


class DeliveryError(CrudauthError):
    """A channel did not deliver a message.

    ``code`` is the provider's own code, ``""`` if it gave none.
    ``retry_after`` is the wait that the provider asked for, in seconds.
    """

    def __init__(
        self, reason: str = "", *, code: str = "", retry_after: int | None = None
    ) -> None:
        super().__init__(reason)
        self.code = code
        self.retry_after = retry_after


class DeliveryFailed(DeliveryError):
    """A temporary failure: another attempt may succeed.

    ``maybe_taken`` says that the provider may have accepted the message: the
    connection ended after the request was sent. Such a message is tried twice at
    most.
    """

    def __init__(
        self, reason: str = "", *, maybe_taken: bool = False, **details: Any
    ) -> None:
        super().__init__(reason, **details)
        self.maybe_taken = maybe_taken


class DeliveryMisconfigured(DeliveryError):
    """The provider refuses the project's own credentials or set-up.

    ``setting`` names the setting to correct, such as ``EMAIL_HOST_USER`` or
    ``CRUDAUTH_CHANNELS (auth_token)``. The message is tried again, slowly.
    """

    def __init__(self, reason: str = "", *, setting: str, **details: Any) -> None:
        super().__init__(reason, **details)
        self.setting = setting


class DeliveryRejected(DeliveryError):
    """A final failure: the number is unknown, has opted out or has no route."""
