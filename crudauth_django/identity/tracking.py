"""Track which fields of an instance have changed since they were read."""

from collections.abc import Iterable
from typing import Any, Self

from django.db import models

from crudauth_django.identity.normalize import to_text


class ChangeTracker(models.Model):
    """A model mixin that remembers the saved values of some fields."""

    class Meta:
        abstract = True

    @classmethod
    def tracked_fields(cls) -> tuple[str, ...]:
        """Return the names of the fields to track."""
        raise NotImplementedError

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        instance = super().from_db(*args, **kwargs)
        instance.mark_saved(cls.tracked_fields())
        return instance

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        super().refresh_from_db(*args, **kwargs)
        fields = kwargs.get("fields") or (args[1] if len(args) > 1 else None)
        self.mark_saved(fields or self.tracked_fields())

    def mark_saved(self, names: Iterable[str]) -> None:
        """Take the current values of these fields as those of the row."""
        self._saved_values = vars(self).get("_saved_values", {}) | {
            name: to_text(self.__dict__[name])
            for name in names
            if name in self.__dict__
        }

    def set_saved(self, **values: Any) -> None:
        """Set the values that an ``UPDATE`` of this row has written."""
        for name, value in values.items():
            setattr(self, name, value)
        self.mark_saved(values)

    def changed_fields(self) -> set[str]:
        """Return the tracked fields whose values differ from the row's.

        A deferred field that was assigned without being read costs one query.
        """
        loaded = [name for name in self.tracked_fields() if name in self.__dict__]
        saved = dict(vars(self).get("_saved_values", {}))
        if unread := [name for name in loaded if name not in saved]:
            row = type(self)._base_manager.filter(pk=self.pk).values(*unread).first()
            saved |= {name: to_text(row[name]) if row else None for name in unread}
        return {name for name in loaded if saved[name] != to_text(self.__dict__[name])}

    def untracked_fields(self) -> set[str]:
        """Return the fields that a full ``save()`` writes in any case."""
        deferred = self.get_deferred_fields()
        return {
            field.name
            for field in self._meta.concrete_fields
            if not field.primary_key
            and not field.generated
            and field.attname not in deferred
        } - set(self.tracked_fields())
