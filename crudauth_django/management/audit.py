"""Reading a table of users that was there before, and mending its spelling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connections, models, transaction
from django.db.models import ExpressionWrapper, F

from crudauth_django.identity.normalize import normalize, to_text
from crudauth_django.management.digests import Digests, Ledger, as_key
from crudauth_django.users import field_of, user_model, user_shape

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.db.models.expressions import Combinable

    Row = tuple[Any, ...]


class NotNormalized(Exception):
    """A value has another spelling than the one; ``spelled`` is what to store."""

    def __init__(self, spelled: str | None) -> None:
        super().__init__("misspelled")
        self.spelled = spelled


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """An identity column, as it stands in the database."""

    field: models.Field[Any, Any]
    #: Whether the table lets it be NULL, whatever the model says by now.
    takes_null: bool

    @property
    def name(self) -> str:
        return self.field.name

    @property
    def stored(self) -> Combinable:
        """The value as the table has it, not as the field would show it."""
        if isinstance(self.field, (models.CharField, models.TextField)):
            return ExpressionWrapper(F(self.name), output_field=models.TextField())
        return F(self.name)

    def spell(self, stored: Any) -> str | None:
        """Return the one spelling of what is stored.

        Raises ``Misspelled``, and ``ValidationError`` for what has none.
        """
        if stored is None:
            return None
        if stored == "" and self.field.null and self.takes_null:
            raise NotNormalized(None)
        spelled = normalize(self.field, stored)
        if to_text(stored) != spelled and stored != self.field.get_prep_value(spelled):
            raise NotNormalized(spelled)
        return spelled


def columns_of(database: str) -> list[Column]:
    """Return the identity columns that the table has already."""
    found = []
    for name in user_shape().columns:
        field = field_of(name)
        null_ok = _nullability(database, field.model._meta.db_table)
        if field.column in null_ok:
            found.append(Column(field=field, takes_null=null_ok[field.column]))
    return found


def _nullability(database: str, table: str) -> dict[str, bool]:
    connection = connections[database]
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, table)
    return {column.name: bool(column.null_ok) for column in described}


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """One pass over the table, and, if it is asked for, one over what it found.

    Rows are read by their key, a batch at a time; nothing grows with the
    table but the ledger, which is on disk.
    """

    database: str
    columns: Sequence[Column]
    batch_size: int
    ledger: Ledger

    def read(self) -> Iterator[int]:
        """Judge every row; yields how many were read, batch by batch."""
        rows = self._rows().order_by("pk")
        batch = list(rows[: self.batch_size])
        while batch:
            for row in batch:
                self._judge(row)
            yield len(batch)
            batch = list(rows.filter(pk__gt=batch[-1][0])[: self.batch_size])
        self.ledger.find_collisions()

    def mend(self) -> Iterator[int]:
        """Write the spellings that can be decided, one transaction a batch.

        Yields how many were written. A value that has changed since it was
        read, or that the database refuses because somebody has it, is left.
        """
        for digests in self.ledger.misspelled(batch_size=self.batch_size):
            with transaction.atomic(using=self.database):
                written = self._mend_batch(digests)
            yield written

    def _judge(self, row: Row) -> None:
        pk, *values = row
        for column, stored in zip(self.columns, values, strict=True):
            try:
                spelled = column.spell(stored)
            except NotNormalized as found:
                self.ledger.add_finding(
                    pk=pk,
                    field=column.name,
                    problem="spelling",
                    detail=self.ledger.digest(found.spelled),
                    value=self._note(pk, column, found.spelled),
                )
            except ValidationError as error:
                code = str(error.error_list[0].code)
                self.ledger.add_finding(
                    pk=pk, field=column.name, problem="unreadable", detail=code
                )
            else:
                self._note(pk, column, spelled)

    def _note(self, pk: object, column: Column, spelled: str | None) -> int | None:
        if spelled is None:
            return None
        return self.ledger.add_value(pk=pk, field=column.name, spelled=spelled)

    def _rows(self) -> QuerySet[Any, Row]:
        stored = {f"stored_{n}": c.stored for n, c in enumerate(self.columns)}
        everyone = user_model()._base_manager.using(self.database)
        return everyone.annotate(**stored).values_list("pk", *stored)

    def _mend_batch(self, digests: Digests) -> int:
        to_key = user_model()._meta.pk.to_python
        keys = {to_key(pk) for pk, _field in digests}
        return sum(
            self._write(place, row, digests[as_key(row[0]), column.name])
            for row in self._rows().filter(pk__in=keys)
            for place, column in enumerate(self.columns)
            if (as_key(row[0]), column.name) in digests
        )

    def _write(self, place: int, row: Row, digest: bytes) -> bool:
        """Write the spelling that was decided on; whether it still was wanted."""
        column, stored = self.columns[place], row[place + 1]
        try:
            column.spell(stored)
        except NotNormalized as found:
            if self.ledger.digest(found.spelled) == digest:
                same = self._rows().filter(**{"pk": row[0], f"stored_{place}": stored})
                return self._replace(same, column.name, found.spelled)
        except ValidationError:
            pass  # it was changed meanwhile
        return False

    def _replace(
        self, same: QuerySet[Any, Row], name: str, spelled: str | None
    ) -> bool:
        try:
            with transaction.atomic(using=self.database):
                return bool(same.update(**{name: spelled}))
        except IntegrityError:
            return False
