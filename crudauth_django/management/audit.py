"""Read an existing table of users, and normalize its values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connections, models, transaction
from django.db.models import ExpressionWrapper, F, QuerySet
from django.db.models.expressions import Combinable

from crudauth_django.identity.fields import AnyField
from crudauth_django.identity.normalize import normalize, to_text
from crudauth_django.management.digests import Digests
from crudauth_django.users import field_of, user_model, user_shape


class Issue(NamedTuple):
    """A value to fix."""

    #: The row's primary key: a number, or the text of any other type.
    pk: int | str
    field: str
    #: ``not_normalized``, ``collision`` or ``unreadable``.
    problem: str
    #: The key of a row with the same value, or the reason for ``unreadable``.
    detail: int | str | None
    #: The digest of the normalized value.
    digest: bytes | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """An identity column, as it stands in the database."""

    field: AnyField
    #: Whether the model and the table allow NULL. They may differ before the migration.
    nullable: bool

    @property
    def name(self) -> str:
        return self.field.name

    @property
    def stored(self) -> Combinable:
        """The raw value of the table, without the field's conversion."""
        if isinstance(self.field, (models.CharField, models.TextField)):
            return ExpressionWrapper(F(self.name), output_field=models.TextField())
        return F(self.name)

    def normalize(self, stored: Any) -> str | None:
        """Return the value to store; raises ``ValidationError``."""
        if stored is None or (stored == "" and self.nullable):
            return None
        return normalize(self.field, stored)

    def is_normalized(self, stored: Any, normalized: str | None) -> bool:
        """Return whether the table already has the normalized value."""
        same = to_text(stored) == normalized
        return same or stored == self.field.get_prep_value(normalized)


def columns_of(database: str) -> list[Column]:
    """Return the identity columns that the table already has."""
    connection = connections[database]
    describe = connection.introspection.get_table_description
    with connection.cursor() as cursor:
        return [
            Column(field=field, nullable=bool(field.null and column.null_ok))
            for field in map(field_of, user_shape().columns)
            for column in describe(cursor, field.model._meta.db_table)
            if column.name == field.column
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """A pass over the table, and one over the values to fix; both read in batches."""

    database: str
    columns: Sequence[Column]
    batch_size: int
    digests: Digests

    def read(self) -> Iterator[int]:
        """Read every row by its key; yield the number of rows of each batch."""
        rest = rows = self._rows().order_by("pk")
        while batch := list(rest[: self.batch_size]):
            for pk, *values in batch:
                key = pk if isinstance(pk, int) else str(pk)
                for column, stored in zip(self.columns, values, strict=True):
                    digest, problem, code = None, "", None
                    try:
                        value = column.normalize(stored)
                        if not column.is_normalized(stored, value):
                            problem = "not_normalized"
                        digest = self.digests.digest(column.name, value)
                    except ValidationError as error:
                        problem, code = "unreadable", str(error.error_list[0].code)
                    self.digests.add(key, column.name, digest, problem, code)
            yield len(batch)
            rest = rows.filter(pk__gt=batch[-1][0])

    def issues(self) -> Iterator[Issue]:
        """Return the issues in the order of the rows, the collisions last."""
        return map(Issue._make, self.digests.issues())

    def fix(self) -> Iterator[int]:
        """Write the normalized values without a collision, one transaction a batch.

        Yields the number of values written. A value stays if it has changed
        since it was read, or if the database refuses the normalized one because
        another row has it.
        """
        to_python = user_model()._meta.pk.to_python
        found = (i for i in self.issues() if i.problem == "not_normalized")
        while batch := list(islice(found, self.batch_size)):
            digests = {(to_python(i.pk), i.field): i.digest for i in batch}
            keys = {pk for pk, _field in digests}
            with transaction.atomic(using=self.database):
                written = sum(
                    self._write(pk, column, stored, digests[pk, column.name])
                    for pk, *values in self._rows().filter(pk__in=keys)
                    for column, stored in zip(self.columns, values, strict=True)
                    if (pk, column.name) in digests
                )
            yield written

    def _rows(self) -> QuerySet[Any, tuple[Any, ...]]:
        users = user_model()._base_manager.using(self.database)
        stored = {f"stored_{column.name}": column.stored for column in self.columns}
        return users.annotate(**stored).values_list("pk", *stored)

    def _write(
        self, pk: Any, column: Column, stored: Any, digest: bytes | None
    ) -> bool:
        """Write the normalized value, if it still has this digest."""
        unchanged = self._rows().filter(**{"pk": pk, f"stored_{column.name}": stored})
        try:
            value = column.normalize(stored)
            changed = self.digests.digest(column.name, value) != digest
            if changed or column.is_normalized(stored, value):
                return False
            with transaction.atomic(using=self.database):
                return bool(unchanged.update(**{column.name: value}))
        except (ValidationError, IntegrityError):
            return False
