"""Reading bodies: each serializer takes what one flow takes, and calls it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from crudauth_django.api.fields import (
    IDENTITY_MAX_LENGTH,
    IdentityField,
    PasswordField,
    TextField,
    TokenField,
)
from crudauth_django.client import client_of
from crudauth_django.conf.settings import get_settings
from crudauth_django.exceptions import InvalidCredentials
from crudauth_django.flows import changes, passwords, recovery, registration, sessions
from crudauth_django.identity.normalize import to_text
from crudauth_django.users import field_of, user_model, user_shape, writable_fields


class RequestSerializer(serializers.Serializer[Any]):
    """The base: what is not declared is dropped, and reading spends nothing."""

    @property
    def http_request(self) -> Any:
        """The request that Django knows."""
        return self.context["request"]._request


class RegisterSerializer(RequestSerializer):
    """Identifiers, recovery factor, password, and the columns that were opted in.

    Subclass it and name it in ``CRUDAUTH_REGISTER_SERIALIZER`` to add fields;
    a declared one that is a column of the model is written, unless it is one of
    privilege, and all of them reach ``CRUDAUTH_NEW_USER_FIELDS``.
    """

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = {
            name: IdentityField(name, required=self._is_required(name))
            for name in user_shape().columns
        }
        fields |= super().get_fields()
        return {**_opted_in_fields(), **fields, "password": PasswordField()}

    def _is_required(self, name: str) -> bool:
        several = len(user_shape().identifiers) > 1
        optional = several and field_of(name).null and name != user_shape().factor
        return not optional

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not any(attrs.get(name) for name in user_shape().identifiers):
            raise serializers.ValidationError(
                {user_shape().identifiers[0]: [_("This field is required.")]}
            )
        return attrs

    def save(self, **kwargs: Any) -> Any:
        values = {**self.validated_data, **kwargs}
        with errors_under("password"):
            return registration.register(
                password=values.pop("password"),
                values=values,
                client=client_of(self.http_request),
            )


def _opted_in_fields() -> dict[str, Any]:
    """Build fields for opted-in columns, as a model serializer would.

    Not for columns of privilege, and not for those of identity: a model
    serializer would say that a value is taken.
    """
    opted_in = set(get_settings().register_extra_fields) - set(user_shape().columns)
    names = sorted(opted_in & writable_fields())
    meta = type("Meta", (), {"model": user_model(), "fields": names})
    extras = type("Extras", (serializers.ModelSerializer,), {"Meta": meta})
    return {name: deepcopy(field) for name, field in extras().fields.items()}


def is_serializer(chosen: object) -> bool:
    """Whether it is a class of serializers, of this package's or not."""
    return isinstance(chosen, type) and issubclass(chosen, serializers.Serializer)


def register_serializer() -> type[serializers.Serializer[Any]]:
    """Return the class that ``CRUDAUTH_REGISTER_SERIALIZER`` names."""
    chosen: type[serializers.Serializer[Any]] = import_string(
        get_settings().register_serializer
    )
    return chosen


class LoginSerializer(RequestSerializer):
    """Any identifier under the name ``username``, and the password."""

    username = TextField(max_length=IDENTITY_MAX_LENGTH)
    password = PasswordField()

    def save(self, **_kwargs: Any) -> Any:
        return sessions.log_in(
            request=self.http_request,
            identifier=self.validated_data["username"],
            password=self.validated_data["password"],
        )


class FactorSerializer(RequestSerializer):
    """The recovery value, under the factor's own name."""

    def get_fields(self) -> dict[str, Any]:
        factor = user_shape().recovery_factor
        return {factor: IdentityField(factor)}

    @property
    def value(self) -> str:
        """The recovery value in its one spelling."""
        return str(self.validated_data[user_shape().recovery_factor])


class VerifyRequestSerializer(FactorSerializer):
    """Asks for a verification; a session says whose, without being looked up."""

    def save(self, **_kwargs: Any) -> None:
        session = getattr(self.http_request, "session", {})
        recovery.request_verification(
            value=self.value, user_pk=session.get(SESSION_KEY)
        )


class ResetRequestSerializer(FactorSerializer):
    """Asks for a password reset."""

    def save(self, **_kwargs: Any) -> None:
        recovery.request_reset(value=self.value)


class ConfirmSerializer(RequestSerializer):
    """A token."""

    token = TokenField()


class VerifyConfirmSerializer(ConfirmSerializer):
    """Spends a verification token."""

    def save(self, **_kwargs: Any) -> None:
        recovery.confirm_verification(
            token=self.validated_data["token"], client=client_of(self.http_request)
        )


class ResetConfirmSerializer(ConfirmSerializer):
    """Spends a reset token on a new password."""

    new_password = PasswordField()

    def save(self, **_kwargs: Any) -> None:
        with errors_under("new_password"):
            recovery.confirm_reset(
                **self.validated_data, client=client_of(self.http_request)
            )


@contextmanager
def errors_under(field: str) -> Iterator[None]:
    """Report a flow's ``ValidationError`` under a field of the body."""
    try:
        yield
    except DjangoValidationError as error:
        if hasattr(error, "error_dict"):
            raise
        raise DjangoValidationError({field: error}) from error


@contextmanager
def wrong_password_is_of(field: str) -> Iterator[None]:
    """Report a wrong password of somebody signed in under its field, as a 400."""
    try:
        yield
    except InvalidCredentials as error:
        message = _("This is not your password.")
        raise serializers.ValidationError({field: [message]}) from error


class ChangeRequestSerializer(RequestSerializer):
    """The new recovery value under ``new_<factor>``, and the password again."""

    def get_fields(self) -> dict[str, Any]:
        factor = user_shape().recovery_factor
        return {f"new_{factor}": IdentityField(factor), "password": PasswordField()}

    def save(self, **_kwargs: Any) -> None:
        factor = f"new_{user_shape().recovery_factor}"
        with wrong_password_is_of("password"), errors_under(factor):
            changes.request_change(
                user=self.context["request"].user,
                value=self.validated_data[f"new_{user_shape().recovery_factor}"],
                password=self.validated_data["password"],
                client=client_of(self.http_request),
            )


class ChangeConfirmSerializer(ConfirmSerializer):
    """Spends a change token; the session that brings it goes on."""

    def save(self, **_kwargs: Any) -> None:
        changes.confirm_change(
            token=self.validated_data["token"],
            request=self.http_request,
        )


class ChangePasswordSerializer(RequestSerializer):
    """The current password and the new one."""

    current_password = PasswordField()
    new_password = PasswordField()

    def save(self, **_kwargs: Any) -> None:
        with wrong_password_is_of("current_password"), errors_under("new_password"):
            passwords.change_password(
                request=self.http_request,
                user=self.context["request"].user,
                **self.validated_data,
            )


def account_data(user: Any) -> dict[str, Any]:
    """Return what an account may know about itself.

    The recovery value is the one it shows, held or claimed alike.
    """
    names = user_shape()
    account = {"id": user.pk}
    for name in names.identifiers:
        account[name] = to_text(getattr(user, name))
    if names.factor is not None:
        account[names.factor] = user.recovery_value
        account[names.verified] = user.is_recovery_verified
    return account
