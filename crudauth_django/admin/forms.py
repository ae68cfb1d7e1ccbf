"""Forms with the rules of the flows."""

from typing import Any

from django import forms
from django.contrib.admin import forms as admin_forms
from django.contrib.auth import forms as auth_forms
from django.core.exceptions import ValidationError
from django.views.decorators.debug import sensitive_variables

from crudauth_django.flows.passwords import set_password
from crudauth_django.identity.fields import AnyField
from crudauth_django.identity.normalize import normalize, to_text
from crudauth_django.models import AbstractAuthUser


class IdentityField(forms.Field):
    """Returns the normalized value of an identifier or a recovery value.

    The column's own form field has other rules. For example, it refuses phone
    numbers of unassigned ranges.
    """

    def __init__(self, *, column: AnyField, **kwargs: Any) -> None:
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


class FlowRules(forms.BaseForm):
    """The flows' rules for passwords, and one error per field."""

    def add_error(self, field: Any, error: Any) -> None:
        # The model's clean() reports a field that the form has refused as blank.
        if found := getattr(error, "error_dict", None):
            new = {name: e for name, e in found.items() if name not in self.errors}
            error = ValidationError(new)
        super().add_error(field, error)

    @sensitive_variables()
    def validate_password_for_user(
        self, user: AbstractAuthUser, *names: str, **_kwargs: Any
    ) -> None:
        name = (*names, "password2")[0]
        password = self.cleaned_data.get(name)
        if not password or not self.cleaned_data.get("set_usable_password", True):
            return
        try:
            user.clean_password(password)
        except ValidationError as error:
            self.add_error(name, error)


class AuthUserCreationForm(FlowRules, auth_forms.AdminUserCreationForm):
    """Creates an account of any shape."""

    def clean_username(self) -> Any:
        """Leave uniqueness to the model, which may have no ``username``."""
        return self.cleaned_data.get("username")


class AuthUserChangeForm(FlowRules, auth_forms.UserChangeForm):
    """Changes an account of any shape."""


class AuthPasswordChangeForm(FlowRules, auth_forms.AdminPasswordChangeForm):
    """Sets an account's password. Its owner gets a notice, and its sessions end."""

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002 (Django's signature)
        if not commit:
            return super().save(commit=commit)
        usable = self.cleaned_data["set_usable_password"]
        password = self.cleaned_data["password1"] if usable else None
        set_password(user=self.user, new_password=password)
        return self.user


class OwnPasswordChangeForm(FlowRules, admin_forms.AdminPasswordChangeForm):
    """Changes the password of the signed-in account, which gets a notice."""

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002 (Django's signature)
        if not commit:
            return super().save(commit=commit)
        password = self.cleaned_data["new_password1"]
        set_password(user=self.user, new_password=password, by_owner=True)
        return self.user
