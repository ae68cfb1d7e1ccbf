"""The one place that turns what went wrong into a response."""

from __future__ import annotations

import logging
from functools import singledispatch
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.utils.translation import gettext as _
from rest_framework import exceptions, status, views
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error

from crudauth_django.exceptions import (
    CountersUnavailable,
    IdentifierTaken,
    InvalidCredentials,
    InvalidToken,
    LockedOut,
    RegistrationClosed,
    Throttled,
)

logger = logging.getLogger(__name__)

#: Seconds to wait for a store that is out.
RETRY_AFTER_OUTAGE = 5


class TooManyRequests(exceptions.APIException):
    """429 with ``Retry-After``."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS

    def __init__(self, *, code: str, wait: int) -> None:
        super().__init__(_("Too many tries. Wait a while and try again."), code)
        self.wait = wait


class Unavailable(exceptions.APIException):
    """503 with ``Retry-After``: the door stays closed while nobody can count."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unavailable"
    wait = RETRY_AFTER_OUTAGE

    def __init__(self) -> None:
        super().__init__(_("Not available at the moment. Try again soon."))


class Conflict(exceptions.APIException):
    """409: a constraint of the project's own stands against it."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"

    def __init__(self) -> None:
        super().__init__(_("This contradicts what is there already."))


class BadToken(exceptions.APIException):
    """400, whatever is wrong with a token."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "invalid_token"

    def __init__(self) -> None:
        super().__init__(_("This link is not valid, or no longer."))


class BadCredentials(exceptions.AuthenticationFailed):
    """401, whatever is wrong with the credentials."""

    default_code = "invalid_credentials"

    def __init__(self) -> None:
        super().__init__(_("The name or the password is wrong."))


@singledispatch
def as_response_error(error: Exception) -> Exception:
    """Return the HTTP side of a domain error; others come back as they are."""
    return error


@as_response_error.register
def _token(_error: InvalidToken) -> Exception:
    return BadToken()


@as_response_error.register
def _credentials(_error: InvalidCredentials) -> Exception:
    return BadCredentials()


@as_response_error.register
def _locked(error: LockedOut) -> Exception:
    return TooManyRequests(code="locked_out", wait=error.retry_after)


@as_response_error.register
def _throttled(error: Throttled) -> Exception:
    return TooManyRequests(code="throttled", wait=error.retry_after)


@as_response_error.register(CountersUnavailable)
@as_response_error.register(InterfaceError)
@as_response_error.register(OperationalError)
def _outage(_error: Exception) -> Exception:
    return Unavailable()


@as_response_error.register
def _unstorable(_error: DataError) -> Exception:
    # Every value of a body is checked before; what is left is a cookie's, such
    # as a session key with a NUL, which PostgreSQL's driver refuses.
    return exceptions.ParseError()


@as_response_error.register
def _conflict(error: IntegrityError) -> Exception:
    # What another request wrote since this one was checked, or a column that
    # nobody filled: a bug here or in the project, which must not go unseen.
    cause = error.__cause__
    kind = type(error if cause is None else cause).__qualname__
    logger.error("The database refused a write: %s (%s).", kind, _broken_rule(cause))
    return Conflict()


def _broken_rule(cause: BaseException | None) -> str:
    """Name what was broken, as the driver does; its text would show the values."""
    told = getattr(cause, "diag", None)  # psycopg's
    names = (
        getattr(told, "constraint_name", None),
        getattr(told, "column_name", None),
        getattr(cause, "sqlite_errorname", None),
        next((str(n) for n in getattr(cause, "args", ()) if isinstance(n, int)), None),
    )
    return next((name for name in names if name), "unnamed")


@as_response_error.register
def _closed(_error: RegistrationClosed) -> Exception:
    return exceptions.PermissionDenied(
        _("Registration is closed."), "registration_closed"
    )


@as_response_error.register
def _taken(error: IdentifierTaken) -> Exception:
    return exceptions.ValidationError(
        {error.field: [_("This is taken. Choose another one.")]}
    )


@as_response_error.register
def _invalid(error: DjangoValidationError) -> Exception:
    return exceptions.ValidationError(as_serializer_error(error))


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer an error as DRF does, with the code beside a single detail."""
    response = views.exception_handler(as_response_error(error), context)
    detail = getattr(response, "data", None) or {}
    detail = detail.get("detail") if isinstance(detail, dict) else None
    if response is not None and isinstance(detail, exceptions.ErrorDetail):
        response.data["code"] = detail.code
    return response
