"""The admin of a user model of any shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import Q
from django.http import HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crudauth_django.admin.actions import AccountActions
from crudauth_django.admin.forms import (
    AuthPasswordChangeForm,
    AuthUserChangeForm,
    AuthUserCreationForm,
    IdentityField,
)
from crudauth_django.flows.changes import replace_recovery_value
from crudauth_django.identity.normalize import normalize

if TYPE_CHECKING:
    from django.db import models
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    from crudauth_django.models import AbstractAuthUser

_PERMISSIONS = ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")
_DATES = ("last_login", "date_joined", "auth_epoch")
_PASSWORDS = ("usable_password", "password1", "password2")


class AuthUserAdmin(AccountActions, UserAdmin):  # type: ignore[type-arg]
    """Fits whatever the model declares; register it for your own user model.

    Forms, columns, filters and search follow from the model; columns of your
    own stand under "Personal info". What a subclass sets itself, holds. The
    bookkeeping (``<factor>_verified``, ``<factor>_pending``, ``auth_epoch``
    and the dates) can be read and never written.

    A recovery value that is changed here is unverified, ends the account's
    sessions, and is told to the old value if that was proven.
    """

    form = AuthUserChangeForm
    add_form = AuthUserCreationForm
    change_password_form = AuthPasswordChangeForm
    # Django's own name the columns of its own user, and the checks read them.
    fieldsets = None
    add_fieldsets: Any = None
    list_display: Any = ()
    list_filter: Any = ()  # type: ignore[misc]
    search_fields: Any = ()  # type: ignore[misc]
    ordering: Any = ()  # type: ignore[misc]

    def __init__(self, model: Any, admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        shape = model.shape()
        verified = () if shape.factor is None else (shape.verified,)
        states = ("is_active", "is_staff")
        self.list_display = self.list_display or (*shape.columns, *verified, *states)
        self.list_filter = self.list_filter or (
            *verified,
            *states,
            "is_superuser",
            "groups",
        )
        self.search_fields = self.search_fields or shape.columns
        self.ordering = self.ordering or (model.USERNAME_FIELD,)

    @property
    def bookkeeping(self) -> tuple[str, ...]:
        """The columns that the package writes, and nobody else."""
        shape = self.model.shape()
        proof = () if shape.factor is None else (shape.verified, shape.pending)
        return (*proof, *_DATES)

    def get_readonly_fields(
        self, request: HttpRequest, obj: AbstractAuthUser | None = None
    ) -> Any:
        declared = super().get_readonly_fields(request, obj)
        return tuple(dict.fromkeys((*declared, *self.bookkeeping)))

    def get_fieldsets(
        self, request: HttpRequest, obj: AbstractAuthUser | None = None
    ) -> Any:
        if obj is None:
            return self.add_fieldsets or self._fieldsets_to_add()
        return self.fieldsets or self._fieldsets_to_change()

    def _fieldsets_to_add(self) -> Any:
        fields = (*self.model.shape().columns, *self._required_columns(), *_PASSWORDS)
        return [(None, {"classes": ("wide",), "fields": fields})]

    def _fieldsets_to_change(self) -> Any:
        shape = self.model.shape()
        groups = [
            (None, (*shape.identifiers, "password")),
            (_("Recovery"), self._recovery_columns()),
            (_("Personal info"), self._own_columns()),
            (_("Permissions"), _PERMISSIONS),
            (_("Important dates"), _DATES),
        ]
        return [(title, {"fields": fields}) for title, fields in groups if fields]

    def _recovery_columns(self) -> tuple[str, ...]:
        shape = self.model.shape()
        if shape.factor is None:
            return ()
        held = () if shape.factor_identifies else (shape.factor,)
        return (*held, shape.verified, shape.pending)

    def _own_columns(self) -> tuple[str, ...]:
        """Columns that the project added."""
        known = {"password", *_PERMISSIONS, *self.model.shape().columns}
        return tuple(
            field.name
            for field in (*self.opts.fields, *self.opts.many_to_many)
            if field.editable and not field.primary_key and field.name not in known
        )

    def _required_columns(self) -> tuple[str, ...]:
        named = self.model.REQUIRED_FIELDS
        return tuple(name for name in self._own_columns() if name in named)

    def formfield_for_dbfield(
        self, db_field: models.Field[Any, Any], request: HttpRequest, **kwargs: Any
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
        self,
        request: HttpRequest,
        queryset: QuerySet[AbstractAuthUser],
        search_term: str,
    ) -> tuple[QuerySet[AbstractAuthUser], bool]:
        """Find a value in whatever spelling it is typed, too."""
        found, doubles = super().get_search_results(request, queryset, search_term)
        meant = self._whose(search_term)
        if meant:
            found = queryset.filter(Q(pk__in=found.values("pk")) | meant)
        return found, doubles

    def _whose(self, term: str) -> Q:
        condition = Q()
        for name in self.model.shape().columns:
            try:
                spelled = normalize(self.opts.get_field(name), term)  # type: ignore[arg-type]
            except ValidationError:
                continue
            condition |= Q(**{name: spelled})
        return condition

    def save_model(
        self, request: HttpRequest, obj: AbstractAuthUser, form: Any, change: Any
    ) -> None:
        if not (change and self.model.shape().factor in form.changed_data):
            super().save_model(request, obj, form, change)
            return
        factor = self.model.shape().recovery_factor
        value = getattr(obj, factor)
        stored = self.model._default_manager.values_list(factor, flat=True)
        setattr(obj, factor, stored.get(pk=obj.pk))
        super().save_model(request, obj, form, change)
        replace_recovery_value(request=request, user=obj, value=value)

    def changeform_view(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Say it, where somebody took a value while the form was being checked."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except IntegrityError:
            taken = gettext_lazy("Nothing was saved: a value was just taken.")
            self.message_user(request, taken, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
