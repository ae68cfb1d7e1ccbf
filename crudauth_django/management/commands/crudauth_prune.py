"""``manage.py crudauth_prune``."""

from datetime import timedelta
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from crudauth_django.counters import get_counters
from crudauth_django.counters.in_database import DatabaseCounters
from crudauth_django.models import FormerValue


class Command(BaseCommand):
    """Deletes expired rows only: no active counter and no waiting message.

    Run it once a day.
    """

    help = (
        "Delete expired counters and former recovery values, old lines of the "
        "delivery log, and finished entries of the task queue."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        for flag, days, kept in (
            ("--log-days", 90, "lines of the delivery log"),
            ("--queue-days", 1, "finished queue entries"),
        ):
            text = f"Keep {kept} for this number of days ({days})."
            parser.add_argument(flag, type=float, default=days, help=text)

    def handle(self, *, log_days: float, queue_days: float, **_options: Any) -> None:
        counters = log = queue = None
        expired = FormerValue._default_manager.filter(expires_at__lte=timezone.now())
        former = expired.delete()[0]
        if isinstance(store := get_counters(), DatabaseCounters):
            counters = store.prune()
        if apps.is_installed("crudauth_django.delivery_log"):
            rows = apps.get_model("crudauth_delivery_log", "LoggedDelivery").objects
            before = timezone.now() - timedelta(days=log_days)
            log = rows.filter(tried_at__lt=before).delete()[0]
        if apps.is_installed("django_tasks_db"):
            from crudauth_django.dispatch.worker import prune_finished

            queue = prune_finished(older_than=timedelta(days=queue_days))
        for what, number in (
            ("expired counters", counters),
            ("former recovery values", former),
            ("lines of the delivery log", log),
            ("finished queue entries", queue),
        ):
            result = "not used here" if number is None else f"{number} deleted"
            self.stdout.write(f"{what}: {result}")
