"""``manage.py crudauth_requeue``."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crudauth_django.dispatch.base import get_dispatcher
from crudauth_django.dispatch.tasks import TaskDispatcher


class Command(BaseCommand):
    """Enqueues overdue messages again.

    Workers do this themselves. Run the command after a queue was emptied or
    restored, and every minute if the tasks backend can't defer tasks. A message
    that is enqueued twice is delivered once.
    """

    help = "Enqueue overdue messages again, for example after the queue was emptied."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--overdue",
            type=float,
            default=60,
            help="The least delay of a message to enqueue, in seconds (60).",
        )

    def handle(self, *, overdue: float, **_options: Any) -> None:
        dispatcher = get_dispatcher()
        if not isinstance(dispatcher, TaskDispatcher):
            raise CommandError("CRUDAUTH_DISPATCHER is not a TaskDispatcher.")
        number = dispatcher.requeue(overdue=timedelta(seconds=overdue))
        self.stdout.write(f"{number} messages enqueued again.")
