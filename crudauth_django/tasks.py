"""The one task that a queue runs, and when.

Two tasks carry a question: one now, and a watch that is due when a lease has
run out. A queue that loses what a dead worker was running has the other one
still, and a watch that finds the question open leaves the next watch before it
tries. A watch also brings back what has been overdue for so long that both of
its tasks must be lost.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from crudauth_django import outbox
from crudauth_django.compat import as_task, keeps_tasks_in, run_at, stored_results
from crudauth_django.conf import get_settings
from crudauth_django.questions import Question, answer

#: A question is lost to its queue when it is overdue by so many leases.
LEASES_UNTIL_LOST = 2


@as_task(takes_context=True)
def deliver(context: Any, question_id: str, *, watching: bool = False) -> None:
    """Try a question, if it is open and due."""
    task = context.task_result.task
    if watching:
        lost = LEASES_UNTIL_LOST * get_settings().retry.lease
        requeue(task, overdue_since=timezone.now() - lost)
        if not _watch_again(task, question_id):
            return
    held = outbox.take(question_id)
    if held is not None:
        follow_up = answer(held.question, held.keep)
        if follow_up is None:
            held.close()
        else:
            _enqueue(task, question_id, when=held.postpone(follow_up))


def dispatch(task: Any, question: Question) -> None:
    """Write a question down and enqueue it, both or neither.

    A queue that does not share the transaction gets it after the commit; if it
    is away then, the row waits for ``requeue``, and the request knows nothing.
    """
    with outbox.atomically():
        outbox.put(question)
        if keeps_tasks_in(task.get_backend(), outbox.database()):
            _enqueue_twice(task, question.id)
        else:
            # Django 5.2 can't log a robust hook that has no name.
            def enqueue() -> None:
                _enqueue_twice(task, question.id)

            transaction.on_commit(enqueue, using=outbox.database(), robust=True)


def requeue(task: Any, *, overdue_since: datetime) -> int:
    """Enqueue again some of what is overdue; return how many, 0 for no more."""
    with outbox.atomically():
        late = list(outbox.overdue(since=overdue_since))
        for question_id in late:
            _enqueue_twice(task, question_id)
    return len(late)


def _enqueue_twice(task: Any, question_id: str) -> None:
    _enqueue(task, question_id)
    watch_at = timezone.now() + get_settings().retry.lease
    _enqueue(task, question_id, when=watch_at, watching=True)


def _watch_again(task: Any, question_id: str) -> bool:
    """Leave the next watch; ``False`` when there is nothing left to watch."""
    due = outbox.due_at(question_id)
    if due is None:
        return False
    now = timezone.now()
    when = due if due > now else now + get_settings().retry.lease
    _enqueue(task, question_id, when=when, watching=True)
    return True


def _enqueue(
    task: Any,
    question_id: str,
    *,
    when: datetime | None = None,
    watching: bool = False,
) -> None:
    """Enqueue; what can't be deferred is left to ``crudauth_requeue``."""
    if when is not None and not task.get_backend().supports_defer:
        return
    flag = {"watching": True} if watching else {}
    run_at(task, when).enqueue(question_id, **flag)


def prune_finished(*, older_than: timedelta) -> int:
    """Delete our finished entries of ``django_tasks_db``; return how many.

    Other queues forget theirs by themselves.
    """
    results = stored_results()
    if results is None:
        return 0
    ours = results.filter(task_path=deliver.module_path)
    old = ours.filter(finished_at__lt=timezone.now() - older_than)
    return int(old.delete()[0])
