"""Forget what nobody needs any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandParser

from crudauth_django.counters import get_counters
from crudauth_django.counters.in_database import DatabaseCounters
from crudauth_django.dispatch.compat import HAS_TASKS


class Command(BaseCommand):
    """Delete expired counters, old lines of the delivery log, finished tasks.

    Run it once a day. Nothing that is still needed is touched: no counter that
    counts, no message that waits.
    """

    help = (
        "Deletes expired counters, old lines of the delivery log, and finished "
        "entries of the task queue."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--log-days",
            type=float,
            default=90,
            help="Keep lines of the delivery log for so many days (90).",
        )
        parser.add_argument(
            "--queue-days",
            type=float,
            default=1,
            help="Keep finished entries of the task queue for so many days (1).",
        )

    def handle(self, *, log_days: float, queue_days: float, **_options: Any) -> None:
        counts = {
            "expired counters": _prune_counters(),
            "lines of the delivery log": _prune_log(timedelta(days=log_days)),
            "finished queue entries": _prune_queue(timedelta(days=queue_days)),
        }
        for what, number in counts.items():
            said = "not used here" if number is None else f"{number} deleted"
            self.stdout.write(f"{what}: {said}")


def _prune_counters() -> int | None:
    store = get_counters()
    return store.prune() if isinstance(store, DatabaseCounters) else None


def _prune_log(age: timedelta) -> int | None:
    if not apps.is_installed("crudauth_django.delivery_log"):
        return None
    from crudauth_django.delivery_log.recording import prune

    return prune(older_than=age)


def _prune_queue(age: timedelta) -> int | None:
    if not (HAS_TASKS and apps.is_installed("django_tasks_db")):
        return None
    from crudauth_django.dispatch.worker import prune_finished

    return prune_finished(older_than=age)
