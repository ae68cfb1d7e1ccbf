"""Turn errors into responses; no other module does."""

import logging
from functools import singledispatch
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.utils.translation import gettext_lazy as _
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

#: Seconds after which a client may try again if a database or a store is down.
RETRY_AFTER_OUTAGE = 5


class TooManyRequests(exceptions.APIException):
    """429 with ``Retry-After``."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_detail = _("Too many attempts. Try again later.")

    def __init__(self, *, code: str, wait: int) -> None:
        super().__init__(code=code)
        self.wait = wait


class Unavailable(exceptions.APIException):
    """503 with ``Retry-After``: attempts that cannot be counted are refused."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = _("Temporarily unavailable. Try again shortly.")
    default_code = "unavailable"
    wait = RETRY_AFTER_OUTAGE


class Conflict(exceptions.APIException):
    """409: a constraint of the project's database refused the write."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = _("This conflicts with existing data.")
    default_code = "conflict"


class BadToken(exceptions.APIException):
    """400, the same for every reason."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_detail = _("This link is invalid or has expired.")
    default_code = "invalid_token"


class BadCredentials(exceptions.AuthenticationFailed):
    """401, the same for every reason."""

    default_detail = _("Incorrect login or password.")
    default_code = "invalid_credentials"


@singledispatch
def as_response_error(error: Exception) -> Exception:
    """Return the HTTP side of a domain error, or any other error as it is."""
    return error


@as_response_error.register
def _invalid_token(_error: InvalidToken) -> Exception:
    return BadToken()


@as_response_error.register
def _invalid_credentials(_error: InvalidCredentials) -> Exception:
    return BadCredentials()


@as_response_error.register
def _locked_out(error: LockedOut) -> Exception:
    return TooManyRequests(code="locked_out", wait=error.retry_after)


@as_response_error.register
def _throttled(error: Throttled) -> Exception:
    return TooManyRequests(code="throttled", wait=error.retry_after)


@as_response_error.register(CountersUnavailable)
@as_response_error.register(InterfaceError)
@as_response_error.register(OperationalError)
def _unavailable(_error: Exception) -> Exception:
    return Unavailable()


@as_response_error.register
def _unstorable(_error: DataError) -> Exception:
    # The fields have checked every value of the body. A cookie can still hold
    # text that PostgreSQL's driver refuses, such as a session key with a NUL.
    return exceptions.ParseError()


@as_response_error.register
def _conflict(error: IntegrityError) -> Exception:
    # Another request wrote after this one was checked, or a required column got
    # no value. The second is a bug, here or in the project: the log shows it by
    # the driver's name of the constraint, since the text would show the values.
    cause = error.__cause__ or error
    diagnostics = getattr(cause, "diag", None)  # psycopg's
    names = (
        getattr(diagnostics, "constraint_name", None),
        getattr(diagnostics, "column_name", None),
        getattr(cause, "sqlite_errorname", None),
        *(number for number in cause.args if isinstance(number, int)),  # MySQL's
    )
    logger.error(
        "The database refused a write: %s (%s).",
        type(cause).__qualname__,
        next(filter(None, names), "unnamed"),
    )
    return Conflict()


@as_response_error.register
def _registration_closed(_error: RegistrationClosed) -> Exception:
    return exceptions.PermissionDenied(
        _("Registration is closed."), "registration_closed"
    )


@as_response_error.register
def _identifier_taken(error: IdentifierTaken) -> Exception:
    return exceptions.ValidationError({error.field: [_("This is already in use.")]})


@as_response_error.register
def _invalid(error: DjangoValidationError) -> Exception:
    return exceptions.ValidationError(as_serializer_error(error))


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return DRF's response to an error, with ``code`` beside a single detail."""
    response = views.exception_handler(as_response_error(error), context)
    if response is not None and isinstance(response.data, dict):
        detail = response.data.get("detail")
        if isinstance(detail, exceptions.ErrorDetail):
            response.data["code"] = detail.code
    return response
