"""``manage.py crudauth_adopt``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from crudauth_django.management.audit import Audit, columns_of
from crudauth_django.management.digests import Issue, Ledger
from crudauth_django.users import user_model, user_shape

if TYPE_CHECKING:
    from argparse import ArgumentParser

_PROBLEMS = ("spelling", "collision", "unreadable")
_SAYING = {
    "spelling": "{pk}: {field} is not in its one spelling",
    "collision": "{pk}: {field} is the same as that of {detail}",
    "unreadable": "{pk}: {field} can't be read ({detail})",
}
_BAR = 30


class Command(BaseCommand):
    """Exits with 0 when nothing is left to do, with 1 when something is."""

    help = (
        "Report every user whose identifiers or recovery value are not in the one "
        "spelling, can't be read, or collide once they are spelled alike. With "
        "--apply, write the spellings that collide with nobody. It reads the "
        "identity columns alone, so it works before the migration, too. Exits with "
        "0 when nothing is left to do, with 1 when something is."
    )
    #: The table may not fit the model yet.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--apply", action="store_true", help="Write what can be decided."
        )
        parser.add_argument(
            "--format",
            choices=("text", "json"),
            default="text",
            help="json: one object a line, the summary last.",
        )
        parser.add_argument(
            "--batch-size", type=int, default=1000, help="Rows a query (1000)."
        )
        parser.add_argument(
            "--database", default=DEFAULT_DB_ALIAS, choices=tuple(connections)
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["batch_size"] < 1:
            raise CommandError("--batch-size must be at least 1.", returncode=2)
        try:
            left = self._adopt(**options)
        except DatabaseError as error:
            raise CommandError(
                f"The table of users can't be read: {error}", returncode=2
            ) from error
        if left:
            sys.exit(1)

    def _adopt(
        self, *, apply: bool, database: str, batch_size: int, **options: Any
    ) -> int:
        columns = columns_of(database)
        for name in {*user_shape().columns} - {column.name for column in columns}:
            self.stderr.write(f"{name}: the table has no such column yet.", str)
        with closing(Ledger()) as ledger:
            survey = Audit(
                database=database,
                columns=columns,
                batch_size=batch_size,
                ledger=ledger,
            )
            everyone = user_model()._base_manager.using(database).count()
            read = self._show("rows read", survey.read(), everyone)
            summary = {"rows": read, **{p: ledger.count(p) for p in _PROBLEMS}}
            for finding in ledger.findings():
                self._report(finding, options["format"])
            if apply:
                total = summary["spelling"]
                summary["mended"] = self._show("values mended", survey.mend(), total)
        self._sum_up(summary, options["format"])
        return sum(summary[p] for p in _PROBLEMS) - summary.get("mended", 0)

    def _show(self, what: str, steps: Iterator[int], total: int) -> int:
        """Run to the end, with a bar on a terminal; returns the sum."""
        done = 0
        watched = self.stderr.isatty()
        for step in steps:
            done += step
            if watched:
                share = min(done / total, 1.0) if total else 1.0
                bar = ("#" * round(share * _BAR)).ljust(_BAR, ".")
                text = f"\r[{bar}] {share:4.0%} {done:,} of {total:,} {what}"
                self.stderr.write(text, str, ending="")
        if watched and done:
            self.stderr.write("", str)
        return done

    def _report(self, finding: Issue, form: str) -> None:
        if form == "json":
            found = {k: v for k, v in asdict(finding).items() if v is not None}
            self.stdout.write(json.dumps(found))
        else:
            self.stdout.write(_SAYING[finding.problem].format(**asdict(finding)))

    def _sum_up(self, summary: dict[str, int], form: str) -> None:
        if form == "json":
            self.stdout.write(json.dumps({"summary": summary}))
            return
        self.stdout.write(
            "{rows:,} rows: {spelling:,} values to respell, {collision:,} that "
            "collide, {unreadable:,} that can't be read.".format(**summary)
        )
        if "mended" in summary:
            self.stdout.write(f"{summary['mended']:,} values mended.")
