"""The admin of a user model of any shape."""

from contextlib import suppress
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import Q
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.translation import gettext as _

from crudauth_django.admin.actions import AccountActions, Accounts
from crudauth_django.admin.forms import (
    AuthPasswordChangeForm,
    AuthUserChangeForm,
    AuthUserCreationForm,
    IdentityField,
    OwnPasswordChangeForm,
)
from crudauth_django.flows.changes import replace_recovery_value
from crudauth_django.identity.fields import AnyField
from crudauth_django.identity.normalize import is_personal, normalize, to_text
from crudauth_django.models import AbstractAuthUser

_PERMISSIONS = ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")
_DATES = ("last_login", "date_joined", "auth_epoch")
_PASSWORDS = ("usable_password", "password1", "password2")


class AuthUserAdmin(AccountActions, UserAdmin):
    """The admin for the project's user model, of any shape.

    Forms, columns, filters and search follow from the model; the project's own
    fields stand under "Personal info". Attributes that a subclass sets are
    kept. ``<factor>_verified``, ``<factor>_pending``, ``auth_epoch`` and the
    dates are always read-only.

    A recovery value that is changed here is unverified. The account's sessions
    end, and the old value gets a notice if it was verified.
    """

    form = AuthUserChangeForm
    add_form = AuthUserCreationForm
    change_password_form = AuthPasswordChangeForm
    # UserAdmin names the columns of Django's user, and the admin's checks read them.
    fieldsets = None
    add_fieldsets: Any = None
    list_display = ()
    list_filter = ()
    search_fields = ()
    ordering = ()

    def __init__(self, model: Any, admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        # From Django 6.0 on. Its own form sends neither a signal nor a notice.
        if getattr(admin_site, "password_change_form", None) is None:
            admin_site.password_change_form = OwnPasswordChangeForm
        shape = model.shape()
        verified = () if shape.factor is None else (shape.verified,)
        states = (*verified, "is_active", "is_staff")
        defaults = {
            "list_display": (*shape.columns, *states),
            "list_filter": (*states, "is_superuser", "groups"),
            "search_fields": shape.columns,
            "ordering": (model.USERNAME_FIELD,),
        }
        for name, default in defaults.items():
            setattr(self, name, getattr(self, name) or default)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        declared = super().get_readonly_fields(request, obj)
        own = (*self.model.shape().bookkeeping, *_DATES)
        return tuple(dict.fromkeys((*declared, *own)))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        shape, own = self.model.shape(), self.get_own_fields()
        if obj is None:
            required = [name for name in own if name in self.model.REQUIRED_FIELDS]
            fields = (*shape.columns, *required, *_PASSWORDS)
            wide = (None, {"classes": ("wide",), "fields": fields})
            return self.add_fieldsets or [wide]
        factor = [n for n in shape.columns if n not in shape.identifiers]
        groups = [
            (None, (*shape.identifiers, "password")),
            (_("Recovery"), (*factor, *shape.bookkeeping)),
            (_("Personal info"), own),
            (_("Permissions"), _PERMISSIONS),
            (_("Important dates"), _DATES),
        ]
        return self.fieldsets or [(t, {"fields": f}) for t, f in groups if f]

    def get_own_fields(self) -> tuple[str, ...]:
        """Return the editable fields that the project added."""
        known = {"password", *_PERMISSIONS, *self.model.shape().columns}
        return tuple(
            field.name
            for field in (*self.opts.fields, *self.opts.many_to_many)
            if field.editable and not field.primary_key and field.name not in known
        )

    def formfield_for_dbfield(
        self, db_field: AnyField, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is None or db_field.name not in self.model.shape().columns:
            return field
        return IdentityField(
            column=db_field,
            required=not db_field.null,
            label=field.label,
            help_text=field.help_text,
            widget=field.widget,
        )

    def get_search_results(
        self, request: HttpRequest, queryset: Accounts, search_term: str
    ) -> tuple[Accounts, bool]:
        """Find identity values also by the normalized search term."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        same = Q()
        for field in self.opts.concrete_fields:
            if field.name in self.model.shape().columns:
                with suppress(ValidationError):
                    same |= Q(**{field.name: normalize(field, search_term)})
        if same:
            found = queryset.filter(Q(pk__in=found.values("pk")) | same)
        return found, may_repeat

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: Any
    ) -> None:
        factor = self.model.shape().factor
        if factor is None or not change or factor not in form.changed_data:
            super().save_model(request, obj, form, change)
            return
        value = getattr(obj, factor)
        obj.refresh_from_db(fields=[factor])
        super().save_model(request, obj, form, change)
        replace_recovery_value(request=request, user=obj, value=value)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return super().log_addition(request, without_values(obj), message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return super().log_change(request, without_values(obj), message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        unnamed = [without_values(user) for user in queryset]
        return super().log_deletions(request, cast("Any", unnamed))

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Report a value that another account took after the form was checked."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except IntegrityError:
            taken = _("Not saved: another account has just taken one of these values.")
            self.message_user(request, taken, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())


def without_values(user: AbstractAuthUser) -> AbstractAuthUser:
    """Return an instance whose text has no personal value, to be logged.

    The history of the admin outlives a change of the value and the account.
    """
    shape = user.shape()
    factors = (shape.factor, *shape.bookkeeping[1:])
    personal = [
        field.name
        for field in user._meta.concrete_fields
        if field.name in factors or is_personal(field)
    ]
    values = filter(None, (to_text(getattr(user, name)) for name in personal))
    if not any(value in str(user) for value in values):
        return user
    # With the key alone, the text is "#" and the key.
    return cast("AbstractAuthUser", cast("Any", type(user))(pk=user.pk))
