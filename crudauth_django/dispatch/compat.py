"""Django's Tasks framework, or its backport.

Django has it since 6.0. On 5.2 the ``django-tasks`` backport has the same API.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, cast

from django.apps import apps
from django.db import router


def as_task(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Make a function a task; raises ``ImportError`` that names the extra."""
    decorator = _framework("").task(**options)
    return cast("Callable[[Callable[..., Any]], Any]", decorator)


def task_errors() -> tuple[type[Exception], ...]:
    """Return the errors for a task that no backend of the project can run."""
    return (_framework(".exceptions").TaskException,)


def _framework(part: str) -> ModuleType:
    name = "django.tasks" if find_spec("django.tasks") else "django_tasks"
    try:
        return import_module(name + part)
    except ImportError as error:
        raise ImportError(
            "TaskDispatcher needs a tasks framework: "
            'pip install "crudauth-django[tasks]"'
        ) from error


def run_at(task: Any, when: datetime | None) -> Any:
    """Return the task, to run at a time or, for ``None``, at once."""
    return replace(task, run_after=when)


def stored_results() -> Any:
    """Return the results of ``django_tasks_db``, ``None`` if it is not installed."""
    if not apps.is_installed("django_tasks_db"):
        return None
    from django_tasks_db.models import DBTaskResult

    return DBTaskResult.objects.all()


def stores_tasks_in(backend: Any, alias: str) -> bool:
    """Return whether a tasks backend writes in transactions of this database."""
    results = stored_results()
    if results is None:
        return False
    from django_tasks_db.backend import DatabaseBackend

    shared = router.db_for_write(results.model) == alias
    return shared and isinstance(backend, DatabaseBackend)
