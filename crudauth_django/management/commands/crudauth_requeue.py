"""Bring back messages that their queue lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crudauth_django.dispatch.base import get_dispatcher
from crudauth_django.dispatch.tasks import TaskDispatcher


class Command(BaseCommand):
    """Enqueue what is overdue.

    Workers do so by themselves as they go. Run it when a queue was emptied or
    restored, and every minute where the tasks backend can't defer. What is
    enqueued twice is still delivered once.
    """

    help = "Enqueue again the messages that are overdue."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--overdue",
            type=float,
            default=60,
            help="By how many seconds a question has to be late (60).",
        )

    def handle(self, *, overdue: float, **_options: Any) -> None:
        dispatcher = get_dispatcher()
        if not isinstance(dispatcher, TaskDispatcher):
            raise CommandError("CRUDAUTH_DISPATCHER is not a TaskDispatcher.")
        number = dispatcher.requeue(overdue=timedelta(seconds=overdue))
        self.stdout.write(f"{number} messages enqueued again.")
