"""What a survey has found so far, on disk, whatever the size of the table.

A private SQLite file that ends with the process. It holds keyed hashes of the
values, under a key that nobody keeps: no copy of the file says what they were.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_TABLES = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA temp_store = FILE;
    CREATE TABLE value (id INTEGER PRIMARY KEY, pk, field TEXT, digest BLOB);
    CREATE TABLE finding (
        id INTEGER PRIMARY KEY, pk, field TEXT, problem TEXT, detail, value INTEGER
    );
"""

# First the index, which SQLite sorts on disk: an index that grows with the
# table would be written all over at random.
_COLLISIONS = """
    CREATE INDEX value_by_digest ON value (field, digest);
    CREATE TABLE clash AS
        SELECT field, digest, MIN(id) AS first, MAX(id) AS last
        FROM value GROUP BY field, digest HAVING COUNT(*) > 1;
    CREATE TEMP TABLE clashing AS
        SELECT v.id, v.pk, v.field, c.first, o.pk AS other
        FROM clash c
        JOIN value v ON v.field = c.field AND v.digest = c.digest
        JOIN value o ON o.id = IIF(v.id = c.first, c.last, c.first);
    DELETE FROM finding WHERE value IN (SELECT id FROM clashing);
    INSERT INTO finding (pk, field, problem, detail)
        SELECT pk, field, 'collision', other FROM clashing ORDER BY field, first, id;
    DROP TABLE value;
"""

#: A primary key as SQLite keeps it: a number, or the text of anything else.
Key = int | str
#: The digest of the spelling that a column of a row is to have.
Digests = dict[tuple[Key, str], bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Issue:
    """One value of one row that is not as it should be."""

    pk: Key
    field: str
    #: ``spelling``, ``collision`` or ``unreadable``.
    problem: str
    #: The key of another row that it collides with; or why it can't be read.
    detail: Key | None


class Ledger:
    """Takes one spelling after the other, and knows in the end which collide."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.executescript(_TABLES)

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    def add_value(self, *, pk: object, field: str, spelled: str) -> int:
        """Note a value in its one spelling; returns what refers to it."""
        return self._insert(
            "INSERT INTO value (pk, field, digest) VALUES (?, ?, ?)",
            (as_key(pk), field, self.digest(spelled)),
        )

    def digest(self, spelled: str | None) -> bytes:
        """Return what stands for a value here."""
        text = (spelled or "").encode()
        return hashlib.blake2b(text, key=self._key, digest_size=16).digest()

    def add_finding(
        self,
        *,
        pk: object,
        field: str,
        problem: str,
        detail: str | bytes | None = None,
        value: int | None = None,
    ) -> None:
        """Note a problem; one of a ``value`` gives way to a collision of it.

        The detail of a misspelled one is the digest of its one spelling.
        """
        self._insert(
            "INSERT INTO finding (pk, field, problem, detail, value)"
            " VALUES (?, ?, ?, ?, ?)",
            (as_key(pk), field, problem, detail, value),
        )

    def find_collisions(self) -> None:
        """Turn values that are there more than once into findings."""
        self._file.executescript(_COLLISIONS)

    def count(self, problem: str) -> int:
        """Return how many values have a problem."""
        query = "SELECT COUNT(*) FROM finding WHERE problem = ?"
        return int(self._file.execute(query, (problem,)).fetchone()[0])

    def findings(self) -> Iterator[Issue]:
        """Yield everything, in the order of the rows."""
        query = (
            "SELECT pk, field, problem, IIF(problem = 'spelling', NULL, detail)"
            " FROM finding ORDER BY id"
        )
        for pk, field, problem, detail in self._file.execute(query):
            yield Issue(pk=pk, field=field, problem=problem, detail=detail)

    def misspelled(self, *, batch_size: int) -> Iterator[Digests]:
        """Yield what only wants its one spelling, in batches."""
        query = (
            "SELECT id, pk, field, detail FROM finding"
            " WHERE problem = 'spelling' AND id > ? ORDER BY id LIMIT ?"
        )
        last = 0
        while rows := self._file.execute(query, (last, batch_size)).fetchall():
            last = rows[-1][0]
            yield {(pk, field): digest for _id, pk, field, digest in rows}

    def _insert(self, query: str, values: Iterable[object]) -> int:
        return self._file.execute(query, tuple(values)).lastrowid or 0


def as_key(pk: object) -> Key:
    """Return a primary key as the ledger keeps it."""
    return pk if isinstance(pk, int) else str(pk)
