"""The Tasks framework: of Django since 6.0, and of ``django-tasks`` on 5.2."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any


def framework(part: str = "") -> ModuleType:
    """Import a module of the framework; raises ``ImportError`` that names the extra."""
    name = "django.tasks" if find_spec("django.tasks") else "django_tasks"
    try:
        return import_module(name + part)
    except ImportError as error:
        raise ImportError(
            "TaskDispatcher needs a tasks framework: "
            'pip install "crudauth-django[tasks]"'
        ) from error


def as_task(function: Callable[..., Any]) -> Any:
    """Make a function a task; its first argument is the context."""
    return framework().task(takes_context=True)(function)
