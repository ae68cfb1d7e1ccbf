"""The dispatchers without a pool: tasks of Django, and inline."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from crudauth_django.delivery.message import PendingMessage
from crudauth_django.dispatch.base import InlineDispatcher, get_dispatcher
from crudauth_django.dispatch.tasks import TaskDispatcher
from crudauth_django.flows import recovery
from tests.support.handlers import RecordingHandler

pytestmark = pytest.mark.django_db(transaction=True)

VALUE = "+12125552368"
IMMEDIATE = (
    "django.tasks.backends.immediate.ImmediateBackend"
    if find_spec("django.tasks")
    else "django_tasks.backends.immediate.ImmediateBackend"
)


@pytest.fixture
def tasks(settings) -> None:
    settings.TASKS = {"default": {"BACKEND": IMMEDIATE}}
    settings.CRUDAUTH_DISPATCHER = "crudauth_django.dispatch.TaskDispatcher"


def test_inline_dispatcher_handles_before_it_returns():
    handler = RecordingHandler()
    message = PendingMessage(kind="reset_password", value=VALUE)

    InlineDispatcher(handler=handler).dispatch(message)

    assert handler.handled == [message]


def test_task_dispatcher_delivers(tasks, ada, outbox):
    recovery.request_reset(value=VALUE)

    assert [intent.kind for intent in outbox] == ["reset_password"]


def test_task_dispatcher_on_immediate_backend_is_not_durable(tasks):
    assert isinstance(get_dispatcher(), TaskDispatcher)
    assert not get_dispatcher().durable


def test_task_dispatcher_takes_a_queue_name(settings, ada, outbox):
    settings.TASKS = {"default": {"BACKEND": IMMEDIATE, "QUEUES": ["default", "sms"]}}
    settings.CRUDAUTH_DISPATCHER = {
        "BACKEND": "crudauth_django.dispatch.TaskDispatcher",
        "OPTIONS": {"queue_name": "sms"},
    }

    recovery.request_reset(value=VALUE)

    assert [intent.kind for intent in outbox] == ["reset_password"]
