"""What can go wrong, said without a word of HTTP."""

from __future__ import annotations


class CrudauthError(Exception):
    """The root of every error that this package raises on purpose."""


class InvalidToken(CrudauthError):
    """A token is malformed, expired, spent, or bound to a state that is gone.

    The reason is for logs at DEBUG only: a caller never learns which it was.
    """


class InvalidCredentials(CrudauthError):
    """The identifier is unknown, the password is wrong, or the account is closed."""


class LockedOut(CrudauthError):
    """Too many failures; ``retry_after`` is the number of seconds to wait."""

    def __init__(self, *, retry_after: int) -> None:
        super().__init__("too many failed attempts")
        self.retry_after = retry_after


class Throttled(CrudauthError):
    """Too many requests; ``retry_after`` is the number of seconds to wait."""

    def __init__(self, *, retry_after: int) -> None:
        super().__init__("too many requests")
        self.retry_after = retry_after


class CountersUnavailable(CrudauthError):
    """The store of the counters did not answer, so the door stays closed."""


class IdentifierTaken(CrudauthError):
    """Another account has this identifier; ``field`` is its column."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class RegistrationClosed(CrudauthError):
    """``CRUDAUTH_REGISTRATION_OPEN`` is off."""


class DeliveryFailed(CrudauthError):
    """A channel could not deliver now; trying again may help.

    ``code`` is the provider's own code and ``retry_after`` the seconds that
    the provider asked to wait, where it said so.
    """

    def __init__(
        self, reason: str = "", *, code: str = "", retry_after: int | None = None
    ) -> None:
        super().__init__(reason)
        self.code = code
        self.retry_after = retry_after


class DeliveryRejected(CrudauthError):
    """A channel will never deliver this: unknown number, opted out, unroutable.

    ``code`` is the provider's own code, where it gave one.
    """

    def __init__(self, reason: str = "", *, code: str = "") -> None:
        super().__init__(reason)
        self.code = code
