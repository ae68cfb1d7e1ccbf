"""The one task that a queue runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from crudauth_django.compat import as_task, run_at
from crudauth_django.questions import answer, read_question


def _deliver(context: Any, **arguments: Any) -> None:
    follow_up = answer(read_question(arguments))
    if follow_up is not None:
        when = datetime.fromtimestamp(follow_up.due_at, tz=UTC)
        run_at(context.task_result.task, when).enqueue(**follow_up.as_arguments())


deliver = as_task(_deliver, takes_context=True)
