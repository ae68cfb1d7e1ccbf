"""``manage.py crudauth_prune``."""

from datetime import timedelta
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandParser

from crudauth_django.counters import get_counters
from crudauth_django.counters.in_database import DatabaseCounters


class Command(BaseCommand):
    """Deletes expired rows only: no active counter and no waiting message.

    Run it once a day.
    """

    help = (
        "Delete expired counters, old lines of the delivery log, and finished "
        "entries of the task queue."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--log-days",
            type=float,
            default=90,
            help="Keep lines of the delivery log for this number of days (90).",
        )
        parser.add_argument(
            "--queue-days",
            type=float,
            default=1,
            help="Keep finished queue entries for this number of days (1).",
        )

    def handle(self, *, log_days: float, queue_days: float, **_options: Any) -> None:
        counters = log = queue = None
        store = get_counters()
        if isinstance(store, DatabaseCounters):
            counters = store.prune()
        if apps.is_installed("crudauth_django.delivery_log"):
            from crudauth_django.delivery_log.recording import prune

            log = prune(older_than=timedelta(days=log_days))
        if apps.is_installed("django_tasks_db"):
            from crudauth_django.dispatch.worker import prune_finished

            queue = prune_finished(older_than=timedelta(days=queue_days))
        for what, number in (
            ("expired counters", counters),
            ("lines of the delivery log", log),
            ("finished queue entries", queue),
        ):
            result = "not used here" if number is None else f"{number} deleted"
            self.stdout.write(f"{what}: {result}")
