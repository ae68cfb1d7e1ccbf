"""The thread pool: in this process, and in one that ends, forks or lacks threads."""

from __future__ import annotations

import logging
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.db import transaction

from crudauth_django import signals
from crudauth_django.delivery.message import PendingMessage
from crudauth_django.dispatch.threads import ThreadDispatcher
from tests.support import parts
from tests.support.databases import create_database, run_sql
from tests.support.handlers import RecordingHandler
from tests.support.waiting import PATIENCE, eventually

pytestmark = pytest.mark.django_db(transaction=True)

VALUE = "+12125552368"


@pytest.fixture
def handler() -> Iterator[RecordingHandler]:
    handler = RecordingHandler()
    yield handler
    handler.proceed.set()


@pytest.fixture
def pool(handler) -> Iterator[ThreadDispatcher]:
    dispatcher = ThreadDispatcher(jitter=0, workers=2, size=5, drain=5, handler=handler)
    yield dispatcher
    handler.proceed.set()
    dispatcher.drain()


def make_message(**values) -> PendingMessage:
    return PendingMessage(kind="reset_password", value=VALUE, **values)


def test_message_is_handled_in_another_thread(handler, pool):
    names = []
    handler.result = lambda _message: names.append(threading.current_thread().name)
    message = make_message()

    pool.dispatch(message)

    handler.wait_for(1)
    assert handler.handled == [message]
    assert names == ["crudauth"]


def test_dispatch_does_not_wait_for_the_handler(handler, pool):
    handler.proceed.clear()

    pool.dispatch(make_message())

    handler.wait_until_running(1)
    assert handler.handled == []


def test_pool_runs_at_most_one_message_for_each_worker(handler, pool):
    handler.proceed.clear()
    for _ in range(5):
        pool.dispatch(make_message())
    handler.wait_until_running(2)

    handler.proceed.set()

    handler.wait_for(5)
    assert handler.most_running == 2
    assert len(pool._threads) == 2


def test_full_queue_refuses_message_and_logs_no_value(handler, pool, caplog):
    handler.proceed.clear()
    running = [make_message() for _ in range(2)]
    for message in running:
        pool.dispatch(message)
    handler.wait_until_running(2)
    waiting = [make_message() for _ in range(5)]
    for message in waiting:
        pool.dispatch(message)
    lost = make_message()

    pool.dispatch(lost)

    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert lost.id in record.getMessage()
    assert VALUE not in caplog.text
    handler.proceed.set()
    handler.wait_for(7)
    assert {m.id for m in handler.handled} == {m.id for m in running + waiting}


def test_failed_message_is_retried_when_due(handler, pool):
    due = time.time() + 0.1
    times = []

    def fail_once(message: PendingMessage) -> PendingMessage | None:
        times.append(time.time())
        return replace(message, attempt=2, due_at=due) if message.attempt == 1 else None

    handler.result = fail_once
    pool.dispatch(make_message())

    handler.wait_for(2)
    assert [m.attempt for m in handler.handled] == [1, 2]
    assert handler.handled[0].id == handler.handled[1].id
    assert times[1] >= due


def retry_later(message: PendingMessage) -> PendingMessage | None:
    """Fail the first attempt; the second one is due in an hour."""
    if message.attempt > 1:
        return None
    return replace(message, attempt=2, channels=["sms"], due_at=time.time() + 3600)


def test_full_queue_of_retries_refuses_no_first_attempt(handler, pool, caplog):
    handler.result = retry_later
    for number in range(7):
        pool.dispatch(make_message())
        handler.wait_for(number + 1)

    eventually(lambda: caplog.text.count("queue_full") == 5)
    assert len(pool._retries) == 2
    assert "is lost" not in caplog.text


def test_full_queue_of_retries_gives_up_most_tried(handler, pool):
    given_up = []

    def listen(**values):
        given_up.append((values["message_id"], values["outcome"], values["code"]))

    signals.delivery_held_back.connect(listen)
    for number, attempt in enumerate([2, 5, 3], start=1):
        handler.result = lambda m, to=attempt: replace(retry_later(m), attempt=to)
        pool.dispatch(make_message(id=f"to attempt {attempt}"))
        handler.wait_for(number)
    eventually(lambda: given_up)
    signals.delivery_held_back.disconnect(listen)

    assert given_up == [("to attempt 5", "gave_up", "queue_full")]
    assert {pool._retries.pop().attempt for _ in range(2)} == {2, 3}


def test_hanging_retries_leave_threads_for_first_attempts(handler, pool):
    hanging = threading.Event()

    def hang_at_retry(message: PendingMessage) -> PendingMessage | None:
        if message.attempt == 1 and not message.language:
            return replace(message, attempt=2)
        if message.attempt == 2:
            hanging.wait(PATIENCE)
        return None

    handler.result = hang_at_retry
    for _ in range(4):
        pool.dispatch(make_message())
    handler.wait_for(4)
    eventually(lambda: pool._retrying)
    last = make_message(language="en")
    pool.dispatch(last)

    handler.wait_for(5)
    hanging.set()
    assert handler.handled[4] == last


def test_messages_due_later_do_not_delay_others(handler, pool):
    later = make_message(due_at=time.time() + 3600)
    for _ in range(3):
        pool.dispatch(later)
    now = make_message()

    pool.dispatch(now)

    handler.wait_for(1)
    assert handler.handled == [now]


def test_error_before_channels_is_logged_and_retried(caplog):
    broken = PendingMessage(kind="unknown", value=VALUE)
    pool = ThreadDispatcher(jitter=0, workers=1, drain=5)
    pool.dispatch(broken)

    pool.drain()

    assert "exit" in caplog.text
    assert broken.id in caplog.text
    assert "could not be delivered" in caplog.text
    assert VALUE not in caplog.text


def test_drain_returns_after_lost_retry_is_logged(caplog):
    """Many pools, since the worker and the drain race for one lock."""
    rounds = 200
    for _ in range(rounds):
        pool = ThreadDispatcher(
            jitter=0, workers=1, drain=5, handler=lambda message: message
        )
        pool.dispatch(PendingMessage(kind="reset_password", value=VALUE))

        pool.drain()

        assert "exit" in caplog.text
        caplog.clear()


def test_message_waits_for_the_commit(handler, pool):
    with transaction.atomic():
        pool.dispatch(make_message())
        assert len(pool._queue) == 0
        assert pool._threads == []

    handler.wait_for(1)


def test_message_of_rolled_back_transaction_is_dropped(handler, pool):
    with transaction.atomic():
        pool.dispatch(make_message())
        transaction.set_rollback(True)
    after = make_message()
    pool.dispatch(after)

    handler.wait_for(1)
    assert handler.handled == [after]


def test_drain_handles_messages_that_are_not_due(handler, pool):
    pool.dispatch(make_message(due_at=time.time() + 3600))

    pool.drain()

    assert len(handler.handled) == 1


def test_drain_ends_in_time_and_logs_lost_messages(handler, caplog):
    pool = ThreadDispatcher(jitter=0, workers=1, drain=0.05, handler=handler)
    handler.proceed.clear()
    pool.dispatch(make_message())
    pool.dispatch(make_message())
    handler.wait_until_running(1)

    pool.drain()

    assert "2 messages were not delivered" in caplog.text
    handler.proceed.set()
    handler.wait_for(2)


PREAMBLE = """
import os, sys, threading, time
import django
django.setup()
from crudauth_django.dispatch.threads import ThreadDispatcher
from crudauth_django.delivery.message import PendingMessage

def message(**values):
    return PendingMessage(kind="reset_password", value="+12125552368", **values)

def show(text):
    os.write(1, f"{text} ".encode())  # one write, also while other threads write
"""


def run(script: str, *, database: str = ":memory:") -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", PREAMBLE + textwrap.dedent(script)],
        env=parts.environment(database=database),
        cwd=parts.ROOT,
        capture_output=True,
        text=True,
        timeout=parts.PATIENCE,
        check=False,
    )


@pytest.mark.slow
def test_exit_waits_for_messages_in_the_queue():
    done = run("""
        def handle(message):
            time.sleep(0.1)
            show("handled")

        pool = ThreadDispatcher(handler=handle, jitter=0, workers=1)
        for _ in range(3):
            pool.dispatch(message())
        sys.exit(3)
    """)

    assert done.stdout.split() == ["handled"] * 3
    assert done.returncode == 3


@pytest.mark.slow
def test_exit_after_drain_time_logs_lost_messages():
    done = run("""
        def hang(message):
            time.sleep(60)

        pool = ThreadDispatcher(handler=hang, jitter=0, workers=1, drain=0.1)
        pool.dispatch(message())
        pool.dispatch(message())
    """)

    assert "2 messages were not delivered before the exit." in done.stderr
    assert done.returncode == 0


@pytest.mark.slow
def test_connections_are_closed_after_each_message(tmp_path):
    done = run(
        """
        from django.db import connection, connections

        used = []

        def connect(message):
            connection.ensure_connection()
            used.append(connections["default"])
            show(used[-1].connection is not None)

        pool = ThreadDispatcher(handler=connect, jitter=0, workers=1)
        pool.dispatch(message())
        pool.drain()
        show(used[-1].connection)
        """,
        database=str(tmp_path / "a.sqlite3"),
    )

    assert done.stdout.split() == ["True", "None"]


#: Shows the process of PostgreSQL that serves each message.
SERVED = """
from django.db import connection, connections, close_old_connections

connections.settings["default"]["CONN_MAX_AGE"] = {max_age}
ended = []

def serve(message):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        show(cursor.fetchone()[0])
        ended.append(1)

def deliver(number):
    pool.dispatch(message())
    while len(ended) < number:
        time.sleep(0.01)
    time.sleep(0.1)

pool = ThreadDispatcher(handler=serve, jitter=0, workers=1)
"""


def open_connections(uri: str) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    ((count,),) = run_sql(uri, query)
    return count - 1


@pytest.mark.slow
@pytest.mark.parametrize(("max_age", "number"), [(0, 3), (60, 1), (None, 1)])
def test_connection_lives_as_long_as_conn_max_age(postgres_uri, max_age, number):
    database = create_database(postgres_uri)

    done = run(
        SERVED.format(max_age=max_age) + "for n in (1, 2, 3): deliver(n)\npool.drain()",
        database=database,
    )

    assert len(done.stdout.split()) == 3
    assert len({*done.stdout.split()}) == number
    assert open_connections(database) == 0


@pytest.mark.slow
def test_drain_closes_the_connections(postgres_uri):
    database = create_database(postgres_uri)
    counting = """
    deliver(1)
    with connection.cursor() as cursor:
        def others():
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return cursor.fetchone()[0]
        show(others())
        pool.drain()
        time.sleep(0.2)
        show(others())
    """

    done = run(
        SERVED.format(max_age=None) + textwrap.dedent(counting), database=database
    )

    assert done.stdout.split()[1:] == ["1", "0"]


@pytest.mark.slow
def test_lost_connection_is_replaced_for_next_message(postgres_uri):
    restarting = """
    deliver(1)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    time.sleep(0.2)
    pool.dispatch(message())  # finds the connection lost
    time.sleep(0.2)
    deliver(2)
    pool.drain()
    """
    resilient = SERVED.replace(
        "def deliver(",
        """
from django.db import OperationalError

def handler(message):
    try:
        serve(message)
    except OperationalError:
        show("lost")

def deliver(""",
    ).replace("handler=serve", "handler=handler")

    done = run(
        resilient.format(max_age=None) + textwrap.dedent(restarting),
        database=create_database(postgres_uri),
    )

    first, lost, second = done.stdout.split()
    assert lost == "lost"
    assert first != second


@pytest.mark.slow
def test_connection_of_parent_outlives_forked_child(postgres_uri):
    forking = """
    deliver(1)
    if child := os.fork():
        os.waitpid(child, 0)
        deliver(2)
        pool.drain()
    else:
        import gc
        gc.collect()
        sys.exit()
    """

    done = run(
        SERVED.format(max_age=None) + textwrap.dedent(forking),
        database=create_database(postgres_uri),
    )

    first, second = done.stdout.split()
    assert first == second


@pytest.mark.slow
def test_forked_pool_works_in_parent_and_child():
    done = run("""
        side = "before"
        pool = ThreadDispatcher(handler=lambda _m: show(side), jitter=0, workers=1)
        pool.dispatch(message())
        time.sleep(0.2)
        side = "parent" if os.fork() else "child"
        pool.dispatch(message())
        if side == "parent":
            os.wait()
    """)

    assert sorted(done.stdout.split()) == ["before", "child", "parent"]


@pytest.mark.slow
def test_unused_pool_is_garbage_collected():
    done = run("""
        import gc, weakref

        pool = weakref.ref(ThreadDispatcher(jitter=0))
        gc.collect()
        show(pool())
    """)

    assert done.stdout.split() == ["None"]


@pytest.mark.slow
def test_ended_worker_is_replaced():
    done = run("""
        def handle(message):
            if message.attempt == 1:
                raise SystemExit
            show("handled")

        pool = ThreadDispatcher(handler=handle, jitter=0, workers=2, drain=5)
        for attempt in (1, 1, 1, 2, 2):
            pool.dispatch(message(attempt=attempt))
        pool.drain()
    """)

    assert done.stdout.split() == ["handled"] * 2
    assert done.returncode == 0


@pytest.mark.slow
def test_thread_that_cannot_start_counts_as_no_worker():
    done = run("""
        def refuse(thread):
            raise RuntimeError("can't start new thread")

        start, threading.Thread.start = threading.Thread.start, refuse
        pool = ThreadDispatcher(
            handler=lambda _m: show("handled"), jitter=0, workers=1, drain=5
        )
        pool.dispatch(message())
        threading.Thread.start = start
        pool.dispatch(message())
        pool.drain()
    """)

    assert done.stdout.split() == ["handled"] * 2
    assert done.returncode == 0
