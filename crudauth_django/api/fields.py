"""The fields of request bodies and of accounts."""

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from crudauth_django.exceptions import InvalidToken
from crudauth_django.identity.normalize import normalize, to_text
from crudauth_django.identity.passwords import MAX_LENGTH
from crudauth_django.identity.sensitive import SensitiveText
from crudauth_django.security.tokens import MAX_LENGTH as TOKEN_MAX_LENGTH
from crudauth_django.users import field_of

#: The longest identity value in a body, even if its column allows more.
IDENTITY_MAX_LENGTH = 1000


class TextField(serializers.CharField):
    """A text; DRF's class would also accept numbers."""

    default_error_messages = {"not_text": _("Not a valid string.")}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("not_text")
        return SensitiveText(super().to_internal_value(data))


class PasswordField(TextField):
    """A password; it is never returned and never trimmed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            write_only=True,
            trim_whitespace=False,
            max_length=MAX_LENGTH,
            style={"input_type": "password"},
            **kwargs,
        )


class TokenField(TextField):
    """A token; a text that is too long is as invalid as any wrong token."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str) and len(data) > TOKEN_MAX_LENGTH:
            raise InvalidToken
        return super().run_validation(data)


class IdentityField(TextField):
    """A value of an identity column, normalized."""

    def __init__(self, column: str, **kwargs: Any) -> None:
        self.column = column
        super().__init__(max_length=IDENTITY_MAX_LENGTH, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        self.run_validators(text)
        try:
            return SensitiveText(normalize(field_of(self.column), text))
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.messages) from error

    def to_representation(self, value: Any) -> Any:
        return to_text(value)


class KeyField(serializers.ReadOnlyField):
    """The primary key of the account, which the API calls ``id``."""
