"""Register, log in and change the password; represent an account.

The docstrings of the classes are the descriptions in an OpenAPI schema. To add
fields, subclass ``RegisterSerializer`` or ``AccountSerializer`` and name the
class in ``CRUDAUTH_REGISTER_SERIALIZER`` or ``CRUDAUTH_ACCOUNT_SERIALIZER``. A
registered field with the name of a column is written, unless the column is
protected. ``CRUDAUTH_NEW_USER_FIELDS`` gets every field.
"""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.validators import UniqueValidator

from crudauth_django.api.fields import (
    IDENTITY_MAX_LENGTH,
    IdentityField,
    KeyField,
    PasswordField,
    TextField,
)
from crudauth_django.api.serializers.base import RequestSerializer, errors_under
from crudauth_django.conf.settings import get_settings
from crudauth_django.flows import passwords, registration, sessions
from crudauth_django.users import (
    field_of,
    personal_fields,
    user_model,
    user_shape,
    writable_fields,
)


class AccountSerializer(serializers.Serializer[Any]):
    """An account as its owner sees it: ``id``, identifiers and recovery factor."""

    def get_fields(self) -> dict[str, Any]:
        shape = user_shape()
        fields: dict[str, Any] = {"id": KeyField(source="pk")}
        for name in shape.identifiers:
            fields[name] = IdentityField(name, read_only=True, allow_null=True)
        if shape.factor is not None:
            # Not the columns: a pending value would reveal that another account
            # has it.
            fields[shape.factor] = serializers.CharField(
                source="recovery_value", read_only=True, allow_null=True
            )
            fields[shape.verified] = serializers.BooleanField(
                source="is_recovery_verified", read_only=True
            )
        return {**fields, **super().get_fields()}


class RegisterSerializer(RequestSerializer):
    """Identifiers, recovery factor, password and opted-in columns."""

    def get_fields(self) -> dict[str, Any]:
        shape = user_shape()
        # A model serializer would report a personal value as taken.
        opted_in = set(get_settings().register_extra_fields) - set(shape.columns)
        names = sorted(opted_in & writable_fields())
        meta = type("Meta", (), {"model": user_model(), "fields": names})
        extras = type("Extras", (serializers.ModelSerializer,), {"Meta": meta})
        fields: dict[str, Any] = extras().get_fields()
        for name in set(names) & set(personal_fields()):
            kept = [
                v for v in fields[name].validators if type(v) is not UniqueValidator
            ]
            fields[name].validators = kept
        for name in shape.columns:
            other_login = name != shape.factor and len(shape.identifiers) > 1
            optional = other_login and field_of(name).null
            fields[name] = IdentityField(name, required=not optional)
        return {**fields, **super().get_fields(), "password": PasswordField()}

    def to_internal_value(self, data: Any) -> Any:
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError as error:
            # A weak password is reported beside the errors of the other fields. Its
            # similarity to their values is judged when these are valid.
            detail: Any = error.detail
            password = data.get("password") if isinstance(data, Mapping) else None
            if password is not None and "password" not in detail:
                try:
                    user_model()().clean_password(password)
                except DjangoValidationError as weak:
                    detail["password"] = weak.messages
            raise

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        identifiers = user_shape().identifiers
        if not any(attrs.get(name) for name in identifiers):
            message = _("This field is required.")
            raise serializers.ValidationError({identifiers[0]: [message]})
        return attrs

    def save(self, **kwargs: Any) -> Any:
        values = {**self.validated_data, **kwargs}
        with errors_under("password"):
            return registration.register(
                password=values.pop("password"), values=values, client=self.client
            )


class LoginSerializer(RequestSerializer):
    """Any identifier, under the name ``username``, and the password."""

    username = TextField(max_length=IDENTITY_MAX_LENGTH)
    password = PasswordField()

    def save(self, **_kwargs: Any) -> Any:
        return sessions.log_in(
            request=self.http_request,
            identifier=self.validated_data["username"],
            password=self.validated_data["password"],
        )


class ChangePasswordSerializer(RequestSerializer):
    """The current password and the new one."""

    current_password = PasswordField()
    new_password = PasswordField()

    def save(self, **_kwargs: Any) -> None:
        with errors_under("new_password", credentials="current_password"):
            passwords.change_password(
                request=self.http_request,
                user=self.context["request"].user,
                **self.validated_data,
            )
