"""Limit your own views to accounts with a verified recovery value."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from django.contrib.auth.decorators import user_passes_test
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from crudauth_django.users import user_model

#: The mark of a view that only verified accounts may open.
REQUIRES_FACTOR = "crudauth_requires_factor"
_View = TypeVar(
    "_View", bound="Callable[..., HttpResponseBase | Awaitable[HttpResponseBase]]"
)

__all__ = ["IsRecoveryVerified", "is_recovery_verified", "recovery_verified_required"]


def is_recovery_verified(user: Any) -> bool:
    """Return whether a user is signed in and has verified the recovery value."""
    return bool(
        user and user.is_authenticated and getattr(user, "is_recovery_verified", False)
    )


def require_factor() -> None:
    """Raise ``ImproperlyConfigured`` if accounts have no recovery factor.

    Without one, no account could ever pass.
    """
    if getattr(user_model(), "RECOVERY_FACTOR", None) is None:
        raise ImproperlyConfigured(
            "A view requires a verified recovery value, but accounts have no "
            "recovery factor. Set RECOVERY_FACTOR on the user model."
        )


class IsRecoveryVerified(BasePermission):
    """Allow accounts with a verified recovery value.

    Other accounts get 403, anonymous clients 401 or 403 as in all of DRF. Raises
    ``ImproperlyConfigured`` if accounts have no recovery factor.
    """

    #: DRF takes a dict for the body: with its text alone, the code would not arrive.
    message = {
        "detail": _("Verify your account first."),
        "code": "recovery_not_verified",
    }
    code = "recovery_not_verified"

    def has_permission(self, request: Request, view: APIView) -> bool:
        require_factor()
        return is_recovery_verified(request.user)


def recovery_verified_required(view: _View) -> _View:
    """Guard a plain Django view, ``def`` or ``async def``.

    Anonymous clients are redirected to the login, unverified accounts get 403.
    Raises ``ImproperlyConfigured`` if accounts have no recovery factor.
    """

    def refuse_unverified(user: Any) -> bool:
        require_factor()
        if user.is_authenticated and not is_recovery_verified(user):
            raise PermissionDenied(IsRecoveryVerified.message["detail"])
        return bool(user.is_authenticated)

    guarded = user_passes_test(refuse_unverified)(view)
    setattr(guarded, REQUIRES_FACTOR, True)
    return guarded
