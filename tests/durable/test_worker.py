"""Delivery with ``db_worker`` as a real process, which is killed and restarted."""

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import psycopg
import pytest

from tests.durable.conftest import (
    all_rows,
    environment,
    finished,
    phone,
    register,
    restart_postgres,
    rows_left,
    working,
)
from tests.support import parts
from tests.support.databases import create_database
from tests.support.providers import serving
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

NUMBERS = range(200)


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def env(database, provider):
    return environment(database=database, provider=provider)


@pytest.fixture
def site(env, log):
    with parts.serve("gunicorn-sync", env=env, log=log) as url:
        yield url


@pytest.fixture
def wait_until_outbox_is_empty(database):
    """A function that waits until the outbox is empty."""
    return lambda: eventually(lambda: rows_left(database) == 0)


def test_provider_gets_each_message_once_after_outage(
    site, env, log, provider, wait_until_outbox_is_empty
):
    with working(env=env, log=log):
        expected = register(site, NUMBERS)
        eventually(lambda: log.read_text().count("did not deliver") > len(NUMBERS) // 2)
        provider.status = HTTPStatus.TOO_MANY_REQUESTS
        with serving(provider):
            eventually(lambda: provider.refused > len(NUMBERS) // 4)
            provider.status = HTTPStatus.OK
            wait_until_outbox_is_empty()

    assert provider.recipients() == expected
    assert set(provider.copies().values()) == {1}
    assert len(provider.accepted) == len(NUMBERS)


def test_killed_worker_loses_no_message(
    site, env, log, provider, wait_until_outbox_is_empty
):
    expected = register(site, NUMBERS)
    provider.seconds = 0.02

    with serving(provider), working(env=env, log=log) as worker:
        eventually(lambda: len(provider.accepted) > len(NUMBERS) // 2)
        worker.kill()
        wait_until_outbox_is_empty()

    assert worker.starts > 1
    assert provider.recipients() == expected
    # Only the message in delivery when the worker died can arrive twice.
    assert len(provider.accepted) - len(NUMBERS) <= 1


def test_restarted_database_loses_no_message(tmp_path, log, provider):
    with parts.postgres() as server:
        uri = create_database(server, "restarted")
        env = environment(database=uri, provider=provider)
        parts.manage("migrate", env=env)
        provider.seconds = 0.02
        with (
            parts.serve("gunicorn-sync", env=env, log=log) as url,
            serving(provider),
            working(env=env, log=log),
            ThreadPoolExecutor(1) as pool,
        ):
            expected = pool.submit(register, url, NUMBERS, retry=True)
            eventually(lambda: len(provider.accepted) > len(NUMBERS) // 4)
            restart_postgres(uri)
            assert expected.result()
            eventually(lambda: rows_left(uri) == 0)

    assert provider.recipients() == expected.result()
    # Only a message that the worker could not store as delivered can arrive twice.
    assert len(provider.accepted) - len(provider.copies()) <= 1


def test_single_message_of_killed_worker_is_delivered(
    site, env, log, provider, wait_until_outbox_is_empty
):
    provider.seconds = 1
    with serving(provider), working(env=env, log=log) as worker:
        expected = register(site, range(1))
        eventually(lambda: provider.hanging)
        worker.kill()
        wait_until_outbox_is_empty()

    assert provider.recipients() == expected
    assert set(provider.copies().values()) <= {1, 2}


def test_message_of_lost_task_is_delivered_by_recheck(
    site, env, log, provider, wait_until_outbox_is_empty, database
):
    expected = register(site, range(1))
    with psycopg.connect(database) as connection:
        lost = connection.execute(
            "UPDATE django_tasks_database_dbtaskresult SET status = 'RUNNING' "
            "WHERE args_kwargs::text NOT LIKE '%recheck%'"
        )

    with serving(provider), working(env=env, log=log):
        wait_until_outbox_is_empty()

    assert lost.rowcount == 1
    assert provider.recipients() == expected
    assert set(provider.copies().values()) == {1}


def test_requeue_refills_emptied_queue(
    site, env, log, provider, wait_until_outbox_is_empty, database
):
    expected = register(site, range(5))
    with psycopg.connect(database) as connection:
        connection.execute("TRUNCATE django_tasks_database_dbtaskresult")
    output = parts.manage("crudauth_requeue", "--overdue", "0", env=env)

    with serving(provider), working(env=env, log=log):
        wait_until_outbox_is_empty()

    assert "5 messages" in output
    assert provider.recipients() == expected
    assert set(provider.copies().values()) == {1}


def test_tables_queue_and_log_hold_no_secret(
    site, env, log, provider, wait_until_outbox_is_empty, database
):
    with working(env=env, log=log):
        expected = register(site, range(20))
        eventually(lambda: log.read_text().count("did not deliver") >= len(expected))
        with serving(provider):
            wait_until_outbox_is_empty()
            # A task is stored as finished after its outbox entry is deleted.
            eventually(lambda: finished(database) >= len(expected))
    stored = all_rows(database)
    log_text = log.read_text()
    tokens = {message["token"] for message in provider.accepted}
    rows = [row for found in stored.values() for row in found]
    rows_without_users = [
        row for name, found in stored.items() if name != "phone_user" for row in found
    ]

    assert len(tokens) == len(expected)
    assert stored["crudauth_delivery_log_loggeddelivery"]
    assert not [row for row in rows if any(token in row for token in tokens)]
    assert not [
        row for row in rows_without_users if any(value[1:] in row for value in expected)
    ]
    assert not [token for token in tokens if token in log_text]
    assert not [value for value in expected if value[1:] in log_text]


def test_prune_deletes_finished_queue_entries_only(
    site, env, log, provider, wait_until_outbox_is_empty, database
):
    with serving(provider), working(env=env, log=log):
        register(site, range(3))
        wait_until_outbox_is_empty()
        eventually(lambda: finished(database) >= 3)
    register(site, range(3, 4))
    before = len(all_rows(database)["django_tasks_database_dbtaskresult"])
    finished_before = finished(database)

    output = parts.manage("crudauth_prune", "--queue-days", "0", env=env)

    assert f"finished queue entries: {finished_before} deleted" in output
    assert finished(database) == 0
    assert (
        len(all_rows(database)["django_tasks_database_dbtaskresult"])
        == before - finished_before
    )
    assert rows_left(database) == 1


def test_delivery_log_records_outcome_of_message(
    site, env, log, provider, wait_until_outbox_is_empty, database
):
    with working(env=env, log=log):
        register(site, range(1))
        eventually(lambda: "did not deliver" in log.read_text())
        with serving(provider):
            wait_until_outbox_is_empty()
    with psycopg.connect(database) as connection:
        (row,) = connection.execute(
            "SELECT kind, recipient, country, outcome, attempts, provider_id "
            "FROM crudauth_delivery_log_loggeddelivery"
        ).fetchall()

    assert row[:4] == ("verify_recovery", "+1********00", "US", "delivered")
    assert row[4] > 1
    assert row[5] == f"SM{provider.accepted[0]['id'][:8]}"
    assert provider.accepted[0]["to"] == phone(0)
