"""``manage.py crudauth_adopt``."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import closing
from itertools import accumulate
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from crudauth_django.management.audit import Audit, columns_of
from crudauth_django.management.digests import Digests
from crudauth_django.users import user_model, user_shape

_PROBLEMS = {
    "not_normalized": "{pk}: {field} is not normalized",
    "collision": "{pk}: {field} collides with that of {detail}",
    "unreadable": "{pk}: {field} can't be read ({detail})",
}
_SUMMARY = (
    "{rows:,} rows: {not_normalized:,} values are not normalized, {collision:,} "
    "collide, {unreadable:,} can't be read."
)


class Command(BaseCommand):
    """Exits with 0 if nothing is left to do, with 1 otherwise."""

    help = (
        "Report every user whose identifiers or recovery value are not normalized, "
        "can't be read, or collide once they are normalized. With --apply, write "
        "the normalized values that do not collide. The command reads the identity "
        "columns only, so it also works before the migration. It exits with 0 if "
        "nothing is left to do, with 1 otherwise."
    )
    #: The table may not fit the model yet.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--apply",
            action="store_true",
            help="Write the normalized values that do not collide.",
        )
        parser.add_argument(
            "--format",
            choices=("text", "json"),
            default="text",
            help="json: one object per line, the summary last.",
        )
        parser.add_argument(
            "--batch-size", type=int, default=1000, help="Rows per query (1000)."
        )
        parser.add_argument(
            "--database", default=DEFAULT_DB_ALIAS, choices=tuple(connections)
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["batch_size"] < 1:
            raise CommandError("--batch-size must be at least 1.", returncode=2)
        try:
            if self._adopt(**options):
                sys.exit(1)
        except DatabaseError as error:
            reason = f"The table of users can't be read: {error}"
            raise CommandError(reason, returncode=2) from error

    def _adopt(
        self, *, apply: bool, database: str, batch_size: int, **options: Any
    ) -> int:
        as_json = options["format"] == "json"
        columns = columns_of(database)
        for name in {*user_shape().columns} - {column.name for column in columns}:
            self.stderr.write(f"{name}: the table has no such column yet.", str)
        with closing(Digests()) as digests:
            audit = Audit(
                database=database,
                columns=columns,
                batch_size=batch_size,
                digests=digests,
            )
            total = user_model()._base_manager.using(database).count()
            read = self._run("rows read", audit.read(), total)
            summary = {"rows": read, **dict.fromkeys(_PROBLEMS, 0)}
            for issue in audit.issues():
                summary[issue.problem] += 1
                shown = {k: v for k, v in issue._asdict().items() if v is not None}
                shown.pop("digest", None)
                text = _PROBLEMS[issue.problem].format(**shown)
                self.stdout.write(json.dumps(shown) if as_json else text)
            if apply:
                total = summary["not_normalized"]
                summary["fixed"] = self._run("values fixed", audit.fix(), total)
        if as_json:
            self.stdout.write(json.dumps({"summary": summary}))
        else:
            self.stdout.write(_SUMMARY.format(**summary))
            if apply:
                self.stdout.write(f"{summary['fixed']:,} values fixed.")
        return sum(summary[p] for p in _PROBLEMS) - summary.get("fixed", 0)

    def _run(self, what: str, steps: Iterator[int], total: int) -> int:
        """Run to the end, with a bar on a terminal; return the sum of the steps."""
        done = 0
        on_terminal = self.stderr.isatty()
        for done in accumulate(steps):
            if on_terminal:
                share = min(done / total, 1.0) if total else 1.0
                bar = "#" * round(share * 30)
                text = f"\r[{bar:.<30}] {share:4.0%} {done:,} of {total:,} {what}"
                self.stderr.write(text, str, ending="")
        if on_terminal and done:
            self.stderr.write("", str)
        return done
