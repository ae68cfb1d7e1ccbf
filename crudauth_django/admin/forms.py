"""Forms that accept exactly what the flows accept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import (
    AdminPasswordChangeForm,
    AdminUserCreationForm,
    UserChangeForm,
)
from django.core.exceptions import ValidationError
from django.views.decorators.debug import sensitive_variables

from crudauth_django.flows.passwords import set_password
from crudauth_django.identity.normalize import normalize, to_text

if TYPE_CHECKING:
    from django.db import models

    from crudauth_django.models import AbstractAuthUser


class IdentityField(forms.Field):
    """Takes any spelling of an identifier or a recovery value; gives the one.

    What the column's own form field would refuse, such as a phone number whose
    range nobody knows, is accepted where the flows accept it, and the other way
    round.
    """

    def __init__(self, *, column: models.Field[Any, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.column = column

    def prepare_value(self, value: Any) -> Any:
        return to_text(value)

    def clean(self, value: Any) -> str | None:
        if self.disabled or not (value or "").strip():
            super().clean(value)
            return to_text(value) or None
        return normalize(self.column, value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        if self.disabled:
            return False
        try:
            return self.clean(data) != (to_text(initial) or None)
        except ValidationError:
            return True


class _OneErrorEach:
    """Says nothing more of a field that is refused already.

    The model's ``clean()`` looks at every identity column of a new account,
    and so finds a refused one empty.
    """

    errors: dict[str, Any]

    def _update_errors(self, errors: ValidationError) -> None:
        by_field = getattr(errors, "error_dict", None)
        if by_field is not None:
            fresh = {n: e for n, e in by_field.items() if n not in self.errors}
            errors = ValidationError(fresh)
        super()._update_errors(errors)  # type: ignore[misc]


class _PasswordRules:
    """The flows' own rules for passwords, defaults included."""

    cleaned_data: dict[str, Any]

    @sensitive_variables()
    def validate_password_for_user(
        self,
        user: AbstractAuthUser,
        password_field_name: str = "password2",  # noqa: S107 (a field's name)
    ) -> None:
        password = self.cleaned_data.get(password_field_name)
        if not password or not self.cleaned_data["set_usable_password"]:
            return
        try:
            user.clean_password(password)
        except ValidationError as error:
            self.add_error(password_field_name, error)  # type: ignore[attr-defined]


class AuthUserCreationForm(_OneErrorEach, _PasswordRules, AdminUserCreationForm):  # type: ignore[type-arg,misc]
    """Creates an account of any shape."""

    def clean_username(self) -> Any:
        """Leave uniqueness to the column, if this model has one so named."""
        return self.cleaned_data.get("username")


class AuthUserChangeForm(_OneErrorEach, UserChangeForm):  # type: ignore[type-arg,misc]
    """Changes an account of any shape."""


class AuthPasswordChangeForm(_PasswordRules, AdminPasswordChangeForm):  # type: ignore[type-arg]
    """Sets an account's password; its owner is told, and its sessions end."""

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002 (Django's signature)
        if not commit:
            return super().save(commit=commit)
        usable = self.cleaned_data["set_usable_password"]
        password = self.cleaned_data["password1"] if usable else None
        set_password(user=self.user, new_password=password)
        return self.user
