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
        else:
            self._save_changes(**kwargs)
        self._remember(self.guarded_columns())

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
        return ("password", "auth_epoch", *shape.columns, *bookkeeping)

    @classmethod
    def from_db(
        cls,
        db: str | None,
        field_names: Collection[str],
        values: Collection[Any],
        **kwargs: Any,
    ) -> Self:
        user = super().from_db(db, field_names, values, **kwargs)
        user._remember(cls.guarded_columns())
        return user

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        super().refresh_from_db(*args, **kwargs)
        fields = kwargs.get("fields") or (args[1] if len(args) > 1 else None)
        self._remember(fields or self.guarded_columns())

    def _remember(self, names: Iterable[str]) -> None:
        known: dict[str, str | None] = self.__dict__.setdefault("_as_read", {})
        for name in names:
            if name in self.__dict__:
                known[name] = text_of(self.__dict__[name])

    def take_over(self, columns: Mapping[str, Any]) -> None:
        """Show what an ``UPDATE`` of this row wrote, without reading it again."""
        for name, value in columns.items():
            setattr(self, name, value)
        self._remember(columns)

    def _changed(self) -> set[str]:
        known = self.__dict__.get("_as_read", {})
        return {
            name
            for name in self.guarded_columns()
            if name in self.__dict__
            and (name not in known or known[name] != text_of(self.__dict__[name]))
        }

    def _save_changes(self, *, update_fields: Any = None, **kwargs: Any) -> None:
        changed = self._changed()
        written = set(update_fields) if update_fields is not None else self._unguarded()
        written |= changed if update_fields is None else set()
        for name in written & changed & set(self.shape().columns):
            self._spell(name)
        moved = self.shape().factor in written & self._changed()
        if moved:
            written |= self._unprove()
        super().save(update_fields=written, **kwargs)
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

    def clean(self) -> None:
        """Spell every identity value; raises ``ValidationError`` by field."""
        errors = {}
        for name in self.shape().columns:
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
