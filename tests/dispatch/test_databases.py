"""Users in a database that is not the default one: a rollback drops the message."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from django.db import transaction
from django.test import override_settings

from crudauth_django.delivery.message import PendingMessage
from crudauth_django.dispatch.tasks import TaskDispatcher
from crudauth_django.dispatch.threads import ThreadDispatcher
from crudauth_django.models import OutboxEntry
from crudauth_django.users import user_model
from tests.support.databases import connected
from tests.support.handlers import RecordingHandler

HERE = "tests.dispatch.test_databases"
DUMMY = (
    "django.tasks.backends.dummy.DummyBackend"
    if find_spec("django.tasks")
    else "django_tasks.backends.dummy.DummyBackend"
)
MESSAGE = PendingMessage(kind="reset_password", value="+12125552368")


class Router:
    """Gives users and outbox a database each."""

    def db_for_write(self, model, **_hints):
        return {user_model(): "users", OutboxEntry: "outbox"}.get(model)

    db_for_read = db_for_write


@pytest.fixture(autouse=True)
def databases(tmp_path, django_db_blocker) -> Iterator[None]:
    with (
        django_db_blocker.unblock(),
        connected("users", str(tmp_path / "users.sqlite3")),
        connected("outbox", str(tmp_path / "outbox.sqlite3")) as outbox,
        override_settings(DATABASE_ROUTERS=[f"{HERE}.Router"]),
    ):
        with outbox.schema_editor() as editor:
            editor.create_model(OutboxEntry)
        yield


def dispatch_and_end(dispatcher, *, undo: bool) -> None:
    with transaction.atomic(using="users"):
        dispatcher.dispatch(MESSAGE)
        transaction.set_rollback(undo, using="users")


def test_thread_delivers_after_commit_of_users_database():
    handler = RecordingHandler()
    pool = ThreadDispatcher(jitter=0, handler=handler)
    with transaction.atomic(using="users"):
        pool.dispatch(MESSAGE)
        waiting = len(pool._queue) + len(pool._threads)

    handler.wait_for(1)
    pool.drain()

    assert waiting == 0
    assert handler.handled == [MESSAGE]


def test_thread_drops_message_of_rolled_back_users_database():
    handler = RecordingHandler()
    pool = ThreadDispatcher(jitter=0, handler=handler)

    dispatch_and_end(pool, undo=True)

    pool.drain()
    assert handler.handled == []


@pytest.mark.parametrize(("undo", "entries"), [(True, 0), (False, 1)])
@override_settings(TASKS={"default": {"BACKEND": DUMMY}})
def test_outbox_elsewhere_gets_message_of_commit_only(undo, entries):
    dispatch_and_end(TaskDispatcher(), undo=undo)

    assert OutboxEntry.objects.count() == entries
