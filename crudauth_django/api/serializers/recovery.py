"""Verify, reset and change the recovery value: requests and confirmations."""

from typing import Any

from django.contrib.auth import SESSION_KEY

from crudauth_django.api.fields import IdentityField, PasswordField, TokenField
from crudauth_django.api.serializers.base import (
    RequestSerializer,
    errors_under,
    wrong_password_under,
)
from crudauth_django.flows import changes, recovery
from crudauth_django.users import user_shape


class FactorSerializer(RequestSerializer):
    """The recovery value, under the name of the factor."""

    def get_fields(self) -> dict[str, Any]:
        factor = user_shape().recovery_factor
        return {**super().get_fields(), factor: IdentityField(factor)}

    @property
    def value(self) -> str:
        """The normalized recovery value."""
        return str(self.validated_data[user_shape().recovery_factor])


class VerifyRequestSerializer(FactorSerializer):
    """The recovery value to verify."""

    def save(self, **_kwargs: Any) -> None:
        # A look-up would take longer for a known account: the session has its key.
        session = getattr(self.http_request, "session", {})
        recovery.request_verification(
            value=self.value, user_pk=session.get(SESSION_KEY)
        )


class ResetRequestSerializer(FactorSerializer):
    """The recovery value of the account to reset."""

    def save(self, **_kwargs: Any) -> None:
        recovery.request_reset(value=self.value)


class ConfirmSerializer(RequestSerializer):
    """A token."""

    token = TokenField()


class VerifyConfirmSerializer(ConfirmSerializer):
    """A verification token."""

    def save(self, **_kwargs: Any) -> None:
        recovery.confirm_verification(
            token=self.validated_data["token"], client=self.client
        )


class ResetConfirmSerializer(ConfirmSerializer):
    """A reset token and the new password."""

    new_password = PasswordField()

    def save(self, **_kwargs: Any) -> None:
        with errors_under("new_password"):
            recovery.confirm_reset(
                token=self.validated_data["token"],
                new_password=self.validated_data["new_password"],
                client=self.client,
            )


class ChangeRequestSerializer(RequestSerializer):
    """The new recovery value, under ``new_<factor>``, and the password."""

    def get_fields(self) -> dict[str, Any]:
        factor = user_shape().recovery_factor
        return {
            **super().get_fields(),
            f"new_{factor}": IdentityField(factor),
            "password": PasswordField(),
        }

    def save(self, **_kwargs: Any) -> None:
        field = f"new_{user_shape().recovery_factor}"
        with wrong_password_under("password"), errors_under(field):
            changes.request_change(
                user=self.context["request"].user,
                value=self.validated_data[field],
                password=self.validated_data["password"],
                client=self.client,
            )


class ChangeConfirmSerializer(ConfirmSerializer):
    """A change token."""

    def save(self, **_kwargs: Any) -> None:
        changes.confirm_change(
            token=self.validated_data["token"], request=self.http_request
        )
