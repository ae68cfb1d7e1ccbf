"""Deliver with Django's Tasks framework."""

from datetime import timedelta
from importlib import import_module
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import router, transaction
from django.utils import timezone

from crudauth_django.delivery.message import PendingMessage
from crudauth_django.dispatch.base import Dispatcher
from crudauth_django.dispatch.compat import framework
from crudauth_django.models import OutboxEntry
from crudauth_django.users import user_database


class TaskDispatcher(Dispatcher):
    """Stores the message in the outbox and enqueues its id.

    Both happen in the request's transaction if the queue uses that database. If
    the outbox is not in the users' database, both happen after its commit.
    ``backend``, ``queue_name`` and ``priority`` choose among the project's
    ``TASKS``. If the backend cannot defer tasks (``supports_defer``), retries
    need ``manage.py crudauth_requeue``. Raises ``ImportError`` without a tasks
    framework.
    """

    def __init__(self, **using: Any) -> None:
        super().__init__()
        task_error = framework(".exceptions").TaskException
        try:
            self._worker = import_module("crudauth_django.dispatch.worker")
            self._task = self._worker.deliver_entry.using(**using)
        except task_error as error:
            raise ImproperlyConfigured(f"TASKS can't run it: {error}") from error
        # A backend that cannot defer runs the task within the request.
        self.durable = self._task.get_backend().supports_defer

    def dispatch(self, message: PendingMessage) -> None:
        # A named function: Django 5.2 cannot log a robust hook without a name.
        def store() -> None:
            self._worker.store_and_enqueue(self._task, message)

        if user_database() == router.db_for_write(OutboxEntry):
            store()
        else:
            # No transaction covers both: a rolled-back change sends no message.
            transaction.on_commit(store, using=user_database(), robust=True)

    def requeue(self, *, overdue: timedelta) -> int:
        """Enqueue messages again that are overdue by so much; return their number."""
        number, since = 0, timezone.now() - overdue
        while late := self._worker.requeue(self._task, overdue_since=since):
            number += late
        return number
