"""Read request bodies, call one flow, and represent accounts."""

from crudauth_django.api.serializers.accounts import (
    AccountSerializer,
    ChangePasswordSerializer,
    LoginSerializer,
    RegisterSerializer,
)
from crudauth_django.api.serializers.recovery import (
    ChangeConfirmSerializer,
    ChangeRequestSerializer,
    ResetConfirmSerializer,
    ResetRequestSerializer,
    VerifyConfirmSerializer,
    VerifyRequestSerializer,
)

__all__ = [
    "AccountSerializer",
    "ChangeConfirmSerializer",
    "ChangePasswordSerializer",
    "ChangeRequestSerializer",
    "LoginSerializer",
    "RegisterSerializer",
    "ResetConfirmSerializer",
    "ResetRequestSerializer",
    "VerifyConfirmSerializer",
    "VerifyRequestSerializer",
]
