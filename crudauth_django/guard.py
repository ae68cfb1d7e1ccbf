"""Writing only what was changed, so that a stale instance undoes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F

from crudauth_django.identity import Shape
from crudauth_django.spelling import normalize, text_of


class GuardedModel(models.Model):
    """A model whose identity columns are written only where they were changed.

    Django's ``save()`` writes every column. An instance that was read before a
    password reset, and saved after it, would put the old password back; so
    here the columns that identify, recover or authenticate are written only
    where this very instance changed them. A recovery value that changes is
    unverified, and ends every session.
    """

    #: What ends every session and every reset when it is raised.
    auth_epoch = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        abstract = True

    #: The unique columns that one logs in with, tried in this order.
    LOGIN_IDENTIFIERS: ClassVar[tuple[str, ...]] = ("username",)
    #: The unique column that an account recovers by, or ``None``.
    RECOVERY_FACTOR: ClassVar[str | None] = None

    def save(self, **kwargs: Any) -> None:
        if self._state.adding or kwargs.get("force_insert"):
            for name in self.shape().columns:
                self._spell(name)
            super().save(**kwargs)
            self._remember(self.guarded_columns())
        else:
            self._save_changes(**kwargs)

    @classmethod
    def shape(cls) -> Shape:
        """Return what this model declares."""
        return Shape(
            identifiers=tuple(cls.LOGIN_IDENTIFIERS), factor=cls.RECOVERY_FACTOR
        )

    @classmethod
    def guarded_columns(cls) -> tuple[str, ...]:
        """Columns that a full ``save()`` writes only where they were changed."""
        shape = cls.shape()
        bookkeeping = () if shape.factor is None else (shape.verified, shape.pending)
        privileges = ("is_active", "is_staff", "is_superuser")
        own = ("password", "auth_epoch", *privileges)
        return (*own, *shape.columns, *bookkeeping)

    @classmethod
    def from_db(
        cls,
        db: str | None,
        field_names: Collection[str],
        values: Collection[Any],
        **kwargs: Any,
    ) -> Self:
        user = super().from_db(db, field_names, values, **kwargs)
        user._remember(cls.guarded_columns())  # noqa: SLF001 (an instance of this class)
        return user

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        super().refresh_from_db(*args, **kwargs)
        fields = kwargs.get("fields") or (args[1] if len(args) > 1 else None)
        self._remember(fields or self.guarded_columns())

    def _remember(self, names: Iterable[str]) -> None:
        self._as_read = self._known() | {
            name: text_of(self.__dict__[name])
            for name in names
            if name in self.__dict__
        }

    def take_over(self, columns: Mapping[str, Any]) -> None:
        """Show what an ``UPDATE`` of this row wrote, without reading it again."""
        for name, value in columns.items():
            setattr(self, name, value)
        self._remember(columns)

    def _known(self) -> dict[str, str | None]:
        return dict(self.__dict__.get("_as_read", {}))

    def _changed(self) -> set[str]:
        here = [name for name in self.guarded_columns() if name in self.__dict__]
        known = self._known()
        if unread := [name for name in here if name not in known]:
            known |= self._read_columns(unread)
        return {name for name in here if known[name] != text_of(self.__dict__[name])}

    def _read_columns(self, names: Iterable[str]) -> dict[str, str | None]:
        """Read what a deferred instance was given values for without reading them."""
        row = type(self)._base_manager.filter(pk=self.pk).values(*names).first()
        return {name: text_of(row[name]) if row else None for name in names}

    def _save_changes(self, *, update_fields: Any = None, **kwargs: Any) -> None:
        changed = self._changed()
        written = set(update_fields) if update_fields is not None else self._unguarded()
        written |= changed if update_fields is None else set()
        for name in written & changed & set(self.shape().columns):
            self._spell(name)
        moved = self.shape().factor in written & self._changed()
        if moved:
            written |= self._unprove()
        elif "password" in written & changed:
            written |= self._call_off_change()
        super().save(update_fields=written, **kwargs)
        # What was not named is changed still, and in the next full save.
        self._remember(written & set(self.guarded_columns()))
        if moved:
            self.refresh_from_db(fields=["auth_epoch"], using=kwargs.get("using"))

    def _unguarded(self) -> set[str]:
        deferred = self.get_deferred_fields()
        return {
            field.name
            for field in self._meta.concrete_fields
            if not field.primary_key
            and not field.generated
            and field.attname not in deferred
        } - set(self.guarded_columns())

    def _unprove(self) -> set[str]:
        shape = self.shape()
        setattr(self, shape.verified, False)
        setattr(self, shape.pending, None)
        self.auth_epoch = F("auth_epoch") + 1
        return {shape.verified, shape.pending, "auth_epoch"}

    def _call_off_change(self) -> set[str]:
        """Whoever knew the old password may have asked for another value."""
        shape = self.shape()
        if shape.factor is None or not getattr(self, shape.verified):
            return set()
        setattr(self, shape.pending, None)
        return {shape.pending}

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """Leave the identity columns to :meth:`clean`, which has their one rule.

        A field's own validators may be narrower than the flows are:
        ``PhoneNumberField`` wants a number whose range is known to be in use.
        """
        super().clean_fields(exclude={*(exclude or ()), *self.shape().columns})

    def clean(self) -> None:
        """Spell every identity value that is new; raises ``ValidationError`` by field.

        A value from before this package was there is reported where it is
        changed, not in the form of some other column.
        """
        errors = {}
        new = set(self.shape().columns)
        for name in new if self._state.adding else new & self._changed():
            try:
                self._spell(name)
            except ValidationError as error:
                errors[name] = error
        if errors:
            raise ValidationError(errors)

    def _spell(self, name: str) -> None:
        field = self._meta.get_field(name)
        value = getattr(self, name)
        empty = value is None or value == ""
        if empty and getattr(field, "null", False):
            setattr(self, name, None)
        else:
            setattr(self, name, normalize(field, value))  # type: ignore[arg-type]
