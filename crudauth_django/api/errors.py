"""The one place that turns what went wrong into a response."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import OperationalError
from django.utils.translation import gettext as _
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error
from rest_framework.views import exception_handler

from crudauth_django.exceptions import (
    CountersUnavailable,
    CrudauthError,
    IdentifierTaken,
    InvalidCredentials,
    InvalidToken,
    LockedOut,
    RegistrationClosed,
    Throttled,
)

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


def as_response_error(error: Exception) -> Exception:
    """Return the HTTP side of a domain error; others come back as they are."""
    match error:
        case InvalidToken():
            return BadToken()
        case InvalidCredentials():
            return BadCredentials()
        case LockedOut():
            return TooManyRequests(code="locked_out", wait=error.retry_after)
        case Throttled():
            return TooManyRequests(code="throttled", wait=error.retry_after)
        case CountersUnavailable() | OperationalError():
            return Unavailable()
        case RegistrationClosed():
            return exceptions.PermissionDenied(
                _("Registration is closed."), "registration_closed"
            )
        case IdentifierTaken():
            return exceptions.ValidationError(
                {error.field: [_("This is taken. Choose another one.")]}
            )
        case DjangoValidationError():
            return exceptions.ValidationError(as_serializer_error(error))
    return error


def respond(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer an error as DRF does, with the code beside a single detail."""
    if isinstance(error, (CrudauthError, OperationalError, DjangoValidationError)):
        error = as_response_error(error)
    response = exception_handler(error, context)
    if response is not None and isinstance(error, exceptions.APIException):
        detail = (
            response.data.get("detail") if isinstance(response.data, dict) else None
        )
        if isinstance(detail, exceptions.ErrorDetail):
            response.data["code"] = detail.code
    return response
