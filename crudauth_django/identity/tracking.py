"""Track which fields of an instance have changed since they were read."""

import weakref
from collections.abc import Iterable, Mapping
from typing import Any, Self

from django.db import connections, models, transaction

from crudauth_django.identity.normalize import to_text


class UncommittedSave:
    """A save in a transaction that may still be rolled back.

    Only the connection holds the callback. It calls it at the commit, and drops
    it uncalled with a rolled-back transaction or savepoint. Without ``using``,
    as in an unpickled instance, the save counts as committed.
    """

    __slots__ = ("__weakref__", "_callback", "before", "committed", "inserted", "pk")

    def __init__(
        self,
        using: str | None = None,
        *,
        before: Mapping[str, str | None] | None = None,
        inserted: bool = False,
        pk: Any = None,
    ) -> None:
        #: The saved values of the fields that the save has changed.
        self.before = before or {}
        self.inserted = inserted
        #: The primary key before an insert.
        self.pk = pk
        self.committed = using is None or not connections[using].in_atomic_block

        def commit() -> None:
            self.committed = True

        self._callback = weakref.ref(commit)
        if not self.committed:
            transaction.on_commit(commit, using=using)

    @property
    def is_open(self) -> bool:
        """Whether the transaction has not ended yet."""
        return not self.committed and self._callback() is not None

    @property
    def is_rolled_back(self) -> bool:
        """Whether the row has the values of before the save again."""
        return not self.committed and self._callback() is None

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()


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
        self.settle_saves()
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

    def record_update(self, changed: Iterable[str], *, using: str) -> None:
        """Mark changed fields as saved, unless the transaction is rolled back."""
        saved = vars(self).get("_saved_values", {})
        before = {name: saved[name] for name in changed if name in saved}
        if before:
            self._record(UncommittedSave(using, before=before))
        self.mark_saved(changed)

    def record_insert(self, *, using: str, old_pk: Any) -> None:
        """Mark every field as saved, unless the transaction is rolled back."""
        self._record(UncommittedSave(using, inserted=True, pk=old_pk))
        self.mark_saved(self.tracked_fields())

    def _record(self, save: UncommittedSave) -> None:
        if save.is_open:
            self._uncommitted = (*vars(self).get("_uncommitted", ()), save)

    def settle_saves(self) -> None:
        """Forget the saves that have been rolled back.

        The fields count as changed again. An instance that was inserted will be
        inserted again, with a new key if the database makes the keys.
        """
        uncommitted = vars(self).get("_uncommitted", ())
        for save in reversed(uncommitted):
            if save.is_rolled_back:
                self._saved_values = {**self._saved_values, **save.before}
                if save.inserted:
                    self.pk, self._state.adding = save.pk, True
        if uncommitted:
            self._uncommitted = tuple(save for save in uncommitted if save.is_open)

    def changed_fields(self) -> set[str]:
        """Return the tracked fields whose values differ from the row's.

        A deferred field that was assigned without being read costs one query.
        """
        self.settle_saves()
        loaded = [name for name in self.tracked_fields() if name in self.__dict__]
        saved = vars(self).get("_saved_values", {})
        if unread := [name for name in loaded if name not in saved]:
            row = type(self)._base_manager.filter(pk=self.pk).values(*unread).first()
            read = {name: to_text(row[name]) if row else None for name in unread}
            self._saved_values = saved = saved | read
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
