"""Verify, reset and change the recovery value: requests and confirmations."""

from typing import Any

from django.contrib.auth import SESSION_KEY, get_user

from crudauth_django.api.fields import IdentityField, PasswordField, TokenField
from crudauth_django.api.serializers.base import RequestSerializer, errors_under
from crudauth_django.flows import changes, recovery
from crudauth_django.users import user_shape


class FactorSerializer(RequestSerializer):
    """The recovery value, under the name of the factor after a prefix."""

    prefix = ""

    @property
    def field(self) -> str:
        """The name of the recovery value in the body."""
        return self.prefix + user_shape().recovery_factor

    def get_fields(self) -> dict[str, Any]:
        value = IdentityField(user_shape().recovery_factor)
        return {self.field: value, **super().get_fields()}


class VerifyRequestSerializer(FactorSerializer):
    """The recovery value to verify."""

    def save(self, **_kwargs: Any) -> None:
        # A look-up would take longer for a known account: the session has its key.
        session = getattr(self.http_request, "session", {})
        recovery.request_verification(
            value=self.validated_data[self.field], user_pk=session.get(SESSION_KEY)
        )


class ResetRequestSerializer(FactorSerializer):
    """The recovery value of the account to reset."""

    def save(self, **_kwargs: Any) -> None:
        recovery.request_reset(value=self.validated_data[self.field])


class ConfirmSerializer(RequestSerializer):
    """A token."""

    token = TokenField()


class OwnerConfirmSerializer(ConfirmSerializer):
    """A token, and the password of its account if only its owner may redeem it."""

    password = PasswordField(required=False)


class VerifyConfirmSerializer(OwnerConfirmSerializer):
    """A verification token."""

    def save(self, **_kwargs: Any) -> None:
        has_session = hasattr(self.http_request, "session")
        user_pk = get_user(self.http_request).pk if has_session else None
        with errors_under("password"):
            recovery.confirm_verification(
                **self.validated_data, user_pk=user_pk, client=self.client
            )


class ResetConfirmSerializer(ConfirmSerializer):
    """A reset token and the new password."""

    new_password = PasswordField()

    def save(self, **_kwargs: Any) -> Any:
        with errors_under("new_password"):
            return recovery.confirm_reset(**self.validated_data, client=self.client)


class ChangeRequestSerializer(FactorSerializer):
    """The new recovery value, under ``new_<factor>``, and the password."""

    prefix = "new_"
    password = PasswordField()

    def save(self, **_kwargs: Any) -> None:
        with errors_under(self.field):
            changes.request_change(
                user=self.context["request"].user,
                value=self.validated_data[self.field],
                password=self.validated_data["password"],
                client=self.client,
            )


class ChangeConfirmSerializer(OwnerConfirmSerializer):
    """A change token."""

    def save(self, **_kwargs: Any) -> Any:
        with errors_under("password"):
            return changes.confirm_change(
                **self.validated_data, request=self.http_request
            )
