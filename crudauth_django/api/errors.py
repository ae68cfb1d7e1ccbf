"""Turn errors into responses; no other module does."""

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, status, views
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error

from crudauth_django.counters.outages import describe_cause, report_outage
from crudauth_django.exceptions import (
    CountersUnavailable,
    IdentifierTaken,
    InvalidCredentials,
    InvalidToken,
    LockedOut,
    PasswordRequired,
    RegistrationClosed,
    Throttled,
)

logger = logging.getLogger(__name__)


class TooManyRequests(exceptions.APIException):
    """429 with ``Retry-After``."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS

    def __init__(self, detail: Any, *, code: str, wait: int) -> None:
        super().__init__(detail, code)
        self.wait = wait


class Unavailable(exceptions.APIException):
    """503 with ``Retry-After``: attempts that cannot be counted are refused."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = _("Temporarily unavailable. Try again shortly.")
    default_code = "unavailable"
    wait = 5

    def __init__(self, *, cause: str) -> None:
        super().__init__()
        self.cause = cause


class Conflict(exceptions.APIException):
    """409: a constraint of the project's database refused the write."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = _("This conflicts with existing data.")
    default_code = "conflict"


class TooLarge(exceptions.APIException):
    """413: the body is longer than ``DATA_UPLOAD_MAX_MEMORY_SIZE``."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = _("The request is too large.")
    default_code = "too_large"


def _conflict(error: IntegrityError) -> Conflict:
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


def _unavailable(error: Exception) -> Unavailable:
    report_outage(error)
    return Unavailable(cause=describe_cause(error))


#: The HTTP side of each error, the same for every reason.
RESPONSE_ERRORS: dict[type[Exception], Callable[[Any], Exception]] = {
    InvalidToken: lambda _error: exceptions.ParseError(
        _("This link is invalid or has expired."), "invalid_token"
    ),
    PasswordRequired: lambda _error: exceptions.ParseError(
        _("Enter this account's password, or use the link that we have just sent."),
        "password_required",
    ),
    InvalidCredentials: lambda _error: exceptions.AuthenticationFailed(
        _("Incorrect login or password."), "invalid_credentials"
    ),
    LockedOut: lambda error: TooManyRequests(
        _("Too many failed attempts. Try again later."),
        code="locked_out",
        wait=error.retry_after,
    ),
    Throttled: lambda error: TooManyRequests(
        _("Too many requests. Try again later."),
        code="throttled",
        wait=error.retry_after,
    ),
    CountersUnavailable: _unavailable,
    InterfaceError: _unavailable,
    OperationalError: _unavailable,
    # The fields have checked every value of the body. A cookie can still hold
    # text that PostgreSQL's driver refuses, such as a session key with a NUL.
    DataError: lambda _error: exceptions.ParseError(),
    IntegrityError: _conflict,
    RegistrationClosed: lambda _error: exceptions.PermissionDenied(
        _("Registration is closed."), "registration_closed"
    ),
    IdentifierTaken: lambda error: exceptions.ValidationError(
        {error.field: [_("This is already in use.")]}
    ),
    DjangoValidationError: lambda error: exceptions.ValidationError(
        as_serializer_error(error)
    ),
}


def as_response_error(error: Exception) -> Exception:
    """Return the HTTP side of a domain error, or any other error as it is."""
    for kind, response_error in RESPONSE_ERRORS.items():
        if isinstance(error, kind):
            return response_error(error)
    return error


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return DRF's response to an error, with ``code`` beside a single detail.

    While ``DEBUG`` is on, a 503 has its ``cause``, too.
    """
    reported = as_response_error(error)
    response = views.exception_handler(reported, context)
    if response is not None and isinstance(response.data, dict):
        detail = response.data.get("detail")
        if isinstance(detail, exceptions.ErrorDetail):
            response.data["code"] = detail.code
        if settings.DEBUG and isinstance(reported, Unavailable):
            response.data["cause"] = reported.cause
    return response
