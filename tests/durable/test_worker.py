"""Messages that arrive, with ``db_worker`` as a real process."""

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
from tests.support.providers import answering
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

ALL = range(200)


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
def done(database):
    """Wait until no question is open."""
    return lambda: eventually(lambda: rows_left(database) == 0)


def test_a_provider_that_is_down_then_busy_gets_each_message_once(
    site, env, log, provider, done
):
    with working(env=env, log=log):
        expected = register(site, ALL)
        eventually(lambda: log.read_text().count("did not deliver") > len(ALL) // 2)
        provider.status = HTTPStatus.TOO_MANY_REQUESTS
        with answering(provider):
            eventually(lambda: provider.refused > len(ALL) // 4)
            provider.status = HTTPStatus.OK
            done()

    assert provider.recipients() == expected
    assert set(provider.copies().values()) == {1}
    assert len(provider.taken) == len(ALL)


def test_a_worker_killed_in_the_middle_loses_none(site, env, log, provider, done):
    expected = register(site, ALL)
    provider.seconds = 0.02

    with answering(provider), working(env=env, log=log) as worker:
        eventually(lambda: len(provider.taken) > len(ALL) // 2)
        worker.kill()
        done()

    assert worker.starts > 1
    assert provider.recipients() == expected
    # Only what was on its way when the worker died may come twice.
    assert len(provider.taken) - len(ALL) <= 1


def test_a_database_restarted_under_web_and_worker_loses_none(tmp_path, log, provider):
    with parts.postgres() as server:
        uri = create_database(server, "restarted")
        env = environment(database=uri, provider=provider)
        parts.manage("migrate", env=env)
        provider.seconds = 0.02
        with (
            parts.serve("gunicorn-sync", env=env, log=log) as url,
            answering(provider),
            working(env=env, log=log),
            ThreadPoolExecutor(1) as people,
        ):
            expected = people.submit(register, url, ALL, retry=True)
            eventually(lambda: len(provider.taken) > len(ALL) // 4)
            restart_postgres(uri)
            assert expected.result()
            eventually(lambda: rows_left(uri) == 0)

    assert provider.recipients() == expected.result()
    # Only what the worker could not write down as delivered may come twice.
    assert len(provider.taken) - len(provider.copies()) <= 1


def test_the_only_message_of_a_killed_worker_is_not_lost(
    site, env, log, provider, done
):
    provider.seconds = 1
    with answering(provider), working(env=env, log=log) as worker:
        expected = register(site, range(1))
        eventually(lambda: provider.hanging)
        worker.kill()
        done()

    assert provider.recipients() == expected
    assert set(provider.copies().values()) <= {1, 2}


def test_a_task_that_died_before_it_began_is_not_lost(
    site, env, log, provider, done, database
):
    expected = register(site, range(1))
    with psycopg.connect(database) as connection:
        claimed = connection.execute(
            "UPDATE django_tasks_database_dbtaskresult SET status = 'RUNNING' "
            "WHERE args_kwargs::text NOT LIKE '%recheck%'"
        )

    with answering(provider), working(env=env, log=log):
        done()

    assert claimed.rowcount == 1
    assert provider.recipients() == expected
    assert set(provider.copies().values()) == {1}


def test_a_queue_that_was_emptied_is_filled_again(
    site, env, log, provider, done, database
):
    expected = register(site, range(5))
    with psycopg.connect(database) as connection:
        connection.execute("TRUNCATE django_tasks_database_dbtaskresult")
    said = parts.manage("crudauth_requeue", "--overdue", "0", env=env)

    with answering(provider), working(env=env, log=log):
        done()

    assert "5 messages" in said
    assert provider.recipients() == expected
    assert set(provider.copies().values()) == {1}


def test_nothing_stored_queued_or_logged_gives_a_secret_away(
    site, env, log, provider, done, database
):
    with working(env=env, log=log):
        expected = register(site, range(20))
        eventually(lambda: log.read_text().count("did not deliver") >= len(expected))
        with answering(provider):
            done()
            # The last task is stored as finished after its question is closed.
            eventually(lambda: finished(database) >= len(expected))
    stored = all_rows(database)
    written = log.read_text()
    tokens = {message["token"] for message in provider.taken}
    rows = [row for rows in stored.values() for row in rows]
    others = [
        row for name, found in stored.items() if name != "phone_user" for row in found
    ]

    assert len(tokens) == len(expected)
    assert stored["crudauth_delivery_log_loggeddelivery"]
    assert not [row for row in rows if any(token in row for token in tokens)]
    assert not [row for row in others if any(value[1:] in row for value in expected)]
    assert not [token for token in tokens if token in written]
    assert not [value for value in expected if value[1:] in written]


def test_finished_queue_entries_are_pruned_and_waiting_ones_kept(
    site, env, log, provider, done, database
):
    with answering(provider), working(env=env, log=log):
        register(site, range(3))
        done()
        eventually(lambda: finished(database) >= 3)
    register(site, range(3, 4))
    before = len(all_rows(database)["django_tasks_database_dbtaskresult"])
    gone = finished(database)

    said = parts.manage("crudauth_prune", "--queue-days", "0", env=env)

    assert f"finished queue entries: {gone} deleted" in said
    assert finished(database) == 0
    assert (
        len(all_rows(database)["django_tasks_database_dbtaskresult"]) == before - gone
    )
    assert rows_left(database) == 1


def test_the_log_says_what_became_of_each_message(
    site, env, log, provider, done, database
):
    with working(env=env, log=log):
        register(site, range(1))
        eventually(lambda: "did not deliver" in log.read_text())
        with answering(provider):
            done()
    with psycopg.connect(database) as connection:
        (line,) = connection.execute(
            "SELECT kind, recipient, country, outcome, attempts, provider_id "
            "FROM crudauth_delivery_log_loggeddelivery"
        ).fetchall()

    assert line[:4] == ("verify_recovery", "+1********00", "US", "delivered")
    assert line[4] > 1
    assert line[5] == f"SM{provider.taken[0]['id'][:8]}"
    assert provider.taken[0]["to"] == phone(0)
