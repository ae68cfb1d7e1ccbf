"""The audited values as keyed digests, in a file that SQLite deletes at the end.

The key is never stored, so no copy of the file reveals a value. Memory does not
grow with the table, because SQLite sorts on disk.
"""

import hashlib
import secrets
import sqlite3

# A repeated value is a collision, also if it has another problem. The collisions
# come last. Each one names the first row with the value, and that one the last.
_ISSUES = """
    SELECT pk, field, IIF(n > 1, 'collision', problem),
        IIF(n > 1, IIF(pk = first, last, first), detail), digest
    FROM (SELECT rowid AS id, *, COUNT(digest) OVER same AS n,
        FIRST_VALUE(pk) OVER same AS first, LAST_VALUE(pk) OVER same AS last
        FROM line WINDOW same AS (PARTITION BY digest ORDER BY rowid
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING))
    WHERE n > 1 OR problem <> ''
    ORDER BY n > 1, IIF(n > 1, field, ''), IIF(n > 1, first, id), id
"""


class Digests(sqlite3.Connection):
    """A line for each value: primary key, field, digest, problem and detail."""

    def __init__(self) -> None:
        super().__init__("", isolation_level=None)
        self.executescript("PRAGMA journal_mode = OFF; PRAGMA temp_store = FILE")
        self.execute("CREATE TABLE line (pk, field, digest, problem, detail)")
        self._key = secrets.token_bytes(32)

    def digest(self, field: str, value: str | None) -> bytes | None:
        """Return 16 bytes that stand for a value; NULL never collides."""
        text = f"{field}\0{value}".encode()
        digest = hashlib.blake2b(text, key=self._key, digest_size=16).digest()
        return None if value is None else digest

    def add(self, *line: object) -> None:
        """Append a line; the problem is ``""`` if the value has none."""
        self.execute("INSERT INTO line VALUES (?, ?, ?, ?, ?)", line)

    def issues(self) -> sqlite3.Cursor:
        """Return the lines with a problem, in the order of the rows."""
        return self.execute(_ISSUES)
