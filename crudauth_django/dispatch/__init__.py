"""Dispatchers: carry pending messages out of the request."""

from crudauth_django.dispatch.base import Dispatcher, InlineDispatcher, get_dispatcher
from crudauth_django.dispatch.tasks import TaskDispatcher
from crudauth_django.dispatch.threads import ThreadDispatcher

__all__ = [
    "Dispatcher",
    "InlineDispatcher",
    "TaskDispatcher",
    "ThreadDispatcher",
    "get_dispatcher",
]
