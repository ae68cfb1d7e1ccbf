"""What carries a question out of the request: threads, tasks, or nothing."""

from __future__ import annotations

import logging
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec

import pytest
from django.db import transaction

from crudauth_django.delivery.message import PendingMessage
from crudauth_django.dispatch.base import InlineDispatcher, get_dispatcher
from crudauth_django.dispatch.tasks import TaskDispatcher
from crudauth_django.dispatch.threads import ThreadDispatcher
from crudauth_django.flows import recovery
from tests.support import parts

pytestmark = pytest.mark.django_db(transaction=True)

VALUE = "+12125552368"
PATIENCE = 30
IMMEDIATE = (
    "django.tasks.backends.immediate.ImmediateBackend"
    if find_spec("django.tasks")
    else "django_tasks.backends.immediate.ImmediateBackend"
)


class Desk:
    """Answers questions as a test wants them answered, and shows what it saw."""

    def __init__(self) -> None:
        self.seen: list[PendingMessage] = []
        self.running = 0
        self.most = 0
        self.open = threading.Event()
        self.open.set()
        self.reply = lambda _question: None
        self._changed = threading.Condition()

    def __call__(self, question: PendingMessage) -> PendingMessage | None:
        with self._changed:
            self.running += 1
            self.most = max(self.most, self.running)
            self._changed.notify_all()
        assert self.open.wait(PATIENCE)
        try:
            return self.reply(question)
        finally:
            with self._changed:
                self.running -= 1
                self.seen.append(question)
                self._changed.notify_all()

    def wait_for(self, number: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.seen) >= number, PATIENCE)

    def wait_until_running(self, number: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.running >= number, PATIENCE)


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.open.set()


@pytest.fixture
def pool(desk) -> Iterator[ThreadDispatcher]:
    dispatcher = ThreadDispatcher(jitter=0, workers=2, size=5, drain=5, handler=desk)
    yield dispatcher
    desk.open.set()
    dispatcher.drain()


def question(**values) -> PendingMessage:
    return PendingMessage(kind="reset_password", value=VALUE, **values)


def test_a_question_is_answered_in_another_thread(desk, pool):
    names = []
    desk.reply = lambda _q: names.append(threading.current_thread().name)
    asked = question()

    pool.dispatch(asked)

    desk.wait_for(1)
    assert desk.seen == [asked]
    assert names == ["crudauth"]


def test_asking_does_not_wait_for_the_answer(desk, pool):
    desk.open.clear()

    pool.dispatch(question())

    desk.wait_until_running(1)
    assert desk.seen == []


def test_no_more_are_answered_at_once_than_there_are_workers(desk, pool):
    desk.open.clear()
    for _ in range(5):
        pool.dispatch(question())
    desk.wait_until_running(2)

    desk.open.set()

    desk.wait_for(5)
    assert desk.most == 2
    assert len(pool._threads) == 2


def test_a_full_queue_refuses_and_says_so_without_the_value(desk, pool, caplog):
    desk.open.clear()
    first = [question() for _ in range(2)]
    for asked in first:
        pool.dispatch(asked)
    desk.wait_until_running(2)
    waiting = [question() for _ in range(5)]
    for asked in waiting:
        pool.dispatch(asked)
    lost = question()

    pool.dispatch(lost)

    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert lost.id in record.getMessage()
    assert VALUE not in caplog.text
    desk.open.set()
    desk.wait_for(7)
    assert {q.id for q in desk.seen} == {q.id for q in first + waiting}


def test_what_failed_is_tried_again_when_it_is_due(desk, pool):
    due = time.time() + 0.1
    times = []

    def fail_once(asked: PendingMessage) -> PendingMessage | None:
        times.append(time.time())
        return replace(asked, attempt=2, due_at=due) if asked.attempt == 1 else None

    desk.reply = fail_once
    pool.dispatch(question())

    desk.wait_for(2)
    assert [q.attempt for q in desk.seen] == [1, 2]
    assert desk.seen[0].id == desk.seen[1].id
    assert times[1] >= due


def test_what_waits_for_its_next_try_holds_nobody_up(desk, pool):
    later = question(due_at=time.time() + 3600)
    for _ in range(3):
        pool.dispatch(later)
    now = question()

    pool.dispatch(now)

    desk.wait_for(1)
    assert desk.seen == [now]


def test_error_before_channels_is_logged_and_retried(caplog):
    broken = PendingMessage(kind="unknown", value=VALUE)
    pool = ThreadDispatcher(jitter=0, workers=1, drain=5)
    pool.dispatch(broken)

    pool.drain()

    assert broken.id in caplog.text
    assert "could not be delivered" in caplog.text
    assert "No time to try message" in caplog.text
    assert VALUE not in caplog.text


def test_each_wait_is_longer_than_the_one_before_up_to_a_bound():
    asked = question()
    waits = []
    for _ in range(20):
        before = time.time()
        asked = asked.next_attempt(channels=["a"])
        waits.append(asked.due_at - before)

    assert asked.attempt == 21
    assert asked.channels == ["a"]
    assert all(
        later > sooner for sooner, later in zip(waits[:4:2], waits[2:5:2], strict=True)
    )
    assert max(waits) <= 901


def test_a_provider_may_ask_for_a_longer_wait():
    before = time.time()

    asked = question().next_attempt(channels=None, retry_after=5000)

    assert asked.due_at - before >= 5000


def test_a_question_waits_for_the_commit(desk, pool):
    with transaction.atomic():
        pool.dispatch(question())
        assert len(pool._queue) == 0
        assert pool._threads == []

    desk.wait_for(1)


def test_a_question_of_a_transaction_that_is_rolled_back_is_never_asked(desk, pool):
    with transaction.atomic():
        pool.dispatch(question())
        transaction.set_rollback(True)
    after = question()
    pool.dispatch(after)

    desk.wait_for(1)
    assert desk.seen == [after]


def test_draining_answers_what_waits_even_if_it_is_not_due(desk, pool):
    pool.dispatch(question(due_at=time.time() + 3600))

    pool.drain()

    assert len(desk.seen) == 1


def test_draining_ends_in_time_and_says_what_is_lost(desk, caplog):
    pool = ThreadDispatcher(jitter=0, workers=1, drain=0.05, handler=desk)
    desk.open.clear()
    pool.dispatch(question())
    pool.dispatch(question())
    desk.wait_until_running(1)

    pool.drain()

    assert "2 messages were not delivered" in caplog.text
    desk.open.set()
    desk.wait_for(2)


def run(script: str, *, database: str = ":memory:") -> subprocess.CompletedProcess[str]:
    setup = """
        import logging, os, sys, time
        import django
        django.setup()
        from crudauth_django.dispatch.threads import ThreadDispatcher
        from crudauth_django.delivery.message import PendingMessage

        def asked():
            return PendingMessage(kind="reset_password", value="+12125552368")
    """
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(setup) + textwrap.dedent(script)],
        env=parts.environment(database=database),
        cwd=parts.ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_waits_is_answered_before_the_interpreter_ends():
    done = run("""
        def slowly(message):
            time.sleep(0.1)
            print("answered", flush=True)

        pool = ThreadDispatcher(handler=slowly, jitter=0, workers=1)
        for _ in range(3):
            pool.dispatch(asked())
        sys.exit(3)
    """)

    assert done.stdout.split() == ["answered"] * 3
    assert done.returncode == 3


def test_an_interpreter_that_cannot_wait_longer_says_what_is_lost():
    done = run("""
        def hang(message):
            time.sleep(60)

        pool = ThreadDispatcher(handler=hang, jitter=0, workers=1, drain=0.1)
        pool.dispatch(asked())
        pool.dispatch(asked())
    """)

    assert "2 messages were not delivered before the exit." in done.stderr
    assert done.returncode == 0


def test_connections_are_closed_after_each_answer(tmp_path):
    done = run(
        """
        from django.db import connection, connections

        used = []

        def connect(message):
            connection.ensure_connection()
            used.append(connections["default"])
            print(used[-1].connection is not None)

        pool = ThreadDispatcher(handler=connect, jitter=0, workers=1)
        pool.dispatch(asked())
        pool.drain()
        print(used[-1].connection)
        """,
        database=str(tmp_path / "a.sqlite3"),
    )

    assert done.stdout.split() == ["True", "None"]


def test_a_pool_that_was_forked_works_on_both_sides():
    done = run("""
        def tell(message):
            os.write(1, f"{side} ".encode())  # one write, whoever else writes

        side = "before"
        pool = ThreadDispatcher(handler=tell, jitter=0, workers=1)
        pool.dispatch(asked())
        time.sleep(0.2)
        side = "parent" if os.fork() else "child"
        pool.dispatch(asked())
        if side == "parent":
            os.wait()
    """)

    assert sorted(done.stdout.split()) == ["before", "child", "parent"]


def test_a_pool_that_was_never_asked_leaves_nothing_behind():
    done = run("""
        import gc, weakref

        pool = weakref.ref(ThreadDispatcher(jitter=0))
        gc.collect()
        print(pool())
    """)

    assert done.stdout.split() == ["None"]


def test_the_inline_dispatcher_answers_before_it_returns(desk):
    asked = question()

    InlineDispatcher(handler=desk).dispatch(asked)

    assert desk.seen == [asked]


@pytest.fixture
def tasks(settings) -> None:
    settings.TASKS = {"default": {"BACKEND": IMMEDIATE}}
    settings.CRUDAUTH_DISPATCHER = "crudauth_django.dispatch.TaskDispatcher"


def test_a_tasks_backend_delivers(tasks, ada, outbox):
    recovery.request_reset(value=VALUE)

    assert [intent.kind for intent in outbox] == ["reset_password"]


def test_a_tasks_backend_that_keeps_nothing_for_later_is_not_durable(tasks):
    assert isinstance(get_dispatcher(), TaskDispatcher)
    assert not get_dispatcher().durable


def test_a_task_can_be_told_its_queue_and_priority(settings, ada, outbox):
    settings.TASKS = {"default": {"BACKEND": IMMEDIATE, "QUEUES": ["default", "sms"]}}
    settings.CRUDAUTH_DISPATCHER = {
        "BACKEND": "crudauth_django.dispatch.TaskDispatcher",
        "OPTIONS": {"queue_name": "sms"},
    }

    recovery.request_reset(value=VALUE)

    assert [intent.kind for intent in outbox] == ["reset_password"]
