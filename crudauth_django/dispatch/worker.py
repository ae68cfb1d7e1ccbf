"""The task that delivers an outbox entry, and its place in the queue.

Each message is enqueued twice: once to run now, and once to run when its lease
expires (the *recheck*). If a worker is killed, the queue may keep its task as
"running" forever; the recheck then finds the row and delivers it. Before it
delivers, it enqueues its own successor. It also enqueues every message again
that is overdue by two leases: both of its tasks must be lost.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import router, transaction
from django.utils import timezone

from crudauth_django.conf.settings import get_settings
from crudauth_django.delivery.deliver import deliver_message
from crudauth_django.delivery.message import PendingMessage
from crudauth_django.dispatch import outbox
from crudauth_django.dispatch.compat import as_task

#: An entry that is overdue by so many leases is lost to its queue.
LEASES_UNTIL_LOST = 2


@as_task
def deliver_entry(
    context: Any, entry_id: str, *, recheck: bool = False, **_newer: Any
) -> None:
    """Try the message of an outbox entry, if it is there and due.

    Arguments of a newer version are ignored: the entry has all that matters.
    """
    task = context.task_result.task
    if recheck:
        lost = LEASES_UNTIL_LOST * get_settings().retry.lease
        requeue(task, overdue_since=timezone.now() - lost)
        due = outbox.due_at(entry_id)
        if due is None:
            return  # it has been delivered or given up
        now = timezone.now()
        when = due if due > now else now + get_settings().retry.lease
        _enqueue(task, entry_id, run_after=when, recheck=True)
    lease = outbox.acquire(entry_id)
    if lease is None:
        return  # delivered, not due yet, or leased by another worker
    following = deliver_message(lease.message, checkpoint=lease.checkpoint)
    if following is None:
        lease.complete()
    else:
        _enqueue(task, entry_id, run_after=lease.reschedule(following))


def store_and_enqueue(task: Any, message: PendingMessage) -> None:
    """Store a message in the outbox and enqueue it, both or neither.

    A queue outside the transaction gets it after the commit. If that queue is
    away, the row waits for :func:`requeue` and the response does not change.
    """
    database = outbox.database()
    with transaction.atomic(using=database):
        outbox.add(message)
        if _stores_tasks_in(database, task.get_backend()):
            _enqueue_twice(task, message.id)
        else:
            # A named function: Django 5.2 cannot log a robust hook without a name.
            def enqueue() -> None:
                _enqueue_twice(task, message.id)

            transaction.on_commit(enqueue, using=database, robust=True)


def requeue(task: Any, *, overdue_since: datetime) -> int:
    """Enqueue some overdue entries again; return their number, 0 if none is left."""
    with transaction.atomic(using=outbox.database()):
        late = list(outbox.claim_overdue(since=overdue_since))
        for entry_id in late:
            _enqueue_twice(task, entry_id)
    return len(late)


def _enqueue_twice(task: Any, entry_id: str) -> None:
    _enqueue(task, entry_id)
    recheck_at = timezone.now() + get_settings().retry.lease
    _enqueue(task, entry_id, run_after=recheck_at, recheck=True)


def _enqueue(
    task: Any, entry_id: str, *, run_after: datetime | None = None, **flags: bool
) -> None:
    """Enqueue a task; one that cannot be deferred is left to ``crudauth_requeue``."""
    if run_after is None or task.get_backend().supports_defer:
        # using() would not reset the time of a deferred task.
        replace(task, run_after=run_after).enqueue(entry_id, **flags)


def _stores_tasks_in(database: str, backend: Any) -> bool:
    """Return whether a tasks backend writes in transactions of this database."""
    if not apps.is_installed("django_tasks_db"):
        return False
    from django_tasks_db.backend import DatabaseBackend
    from django_tasks_db.models import DBTaskResult

    shared = router.db_for_write(DBTaskResult) == database
    return shared and isinstance(backend, DatabaseBackend)


def prune_finished(*, older_than: timedelta) -> int:
    """Delete this package's finished results of ``django_tasks_db``; return how many.

    Other queues delete their results themselves.
    """
    from django_tasks_db.models import DBTaskResult

    own = DBTaskResult.objects.filter(task_path=deliver_entry.module_path)
    old = own.filter(finished_at__lt=timezone.now() - older_than)
    return int(old.delete()[0])
