"""One behaviour of every store that counts, and what each is for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import pytest
import time_machine
from django.core.cache import caches
from django.db import connections, transaction
from django.test import override_settings

from crudauth_django.counters import get_counters
from crudauth_django.counters.base import CounterStore, counter_key
from crudauth_django.counters.in_cache import CacheCounters
from crudauth_django.counters.in_database import DatabaseCounters
from crudauth_django.exceptions import CountersUnavailable
from crudauth_django.models import Counter
from tests.support import parts
from tests.support.databases import connected, create_database, with_counters

ALIAS = "counted"
DEAD = "crudauth_django.counters.CacheCounters"


@pytest.fixture
def sqlite_store(tmp_path, django_db_blocker) -> Iterator[CounterStore]:
    with (
        django_db_blocker.unblock(),
        connected(ALIAS, str(tmp_path / "counters.sqlite3")) as connection,
        with_counters(connection),
    ):
        yield DatabaseCounters(alias=ALIAS)


@pytest.fixture
def postgres_store(postgres_uri, django_db_blocker) -> Iterator[CounterStore]:
    with (
        django_db_blocker.unblock(),
        connected(ALIAS, create_database(postgres_uri)) as connection,
        with_counters(connection),
    ):
        yield DatabaseCounters(alias=ALIAS)


@pytest.fixture
def valkey_store(valkey_url) -> Iterator[CounterStore]:
    redis = "django.core.cache.backends.redis.RedisCache"
    with override_settings(
        CACHES={"default": {"BACKEND": redis, "LOCATION": valkey_url}}
    ):
        caches["default"].clear()
        yield CacheCounters()
        caches["default"]._cache._pools.clear()


@pytest.fixture
def locmem_store() -> Iterator[CounterStore]:
    locmem = "django.core.cache.backends.locmem.LocMemCache"
    with override_settings(
        CACHES={
            "other": {"BACKEND": locmem},
            "default": {"BACKEND": locmem, "LOCATION": "d"},
        }
    ):
        caches["other"].clear()
        yield CacheCounters(alias="other")


@pytest.fixture(params=["sqlite", "postgres", "valkey", "locmem"])
def store(request) -> CounterStore:
    return request.getfixturevalue(f"{request.param}_store")


@pytest.fixture(params=["sqlite", "postgres"])
def table(request) -> CounterStore:
    return request.getfixturevalue(f"{request.param}_store")


def at_once(work: Callable[[], int], *, times: int) -> list[int]:
    """Run it in that many threads, all at one moment."""
    starting = threading.Barrier(times)

    def run() -> int:
        starting.wait(timeout=30)
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        return [f.result() for f in [pool.submit(run) for _ in range(times)]]


def test_each_one_that_counts_gets_the_next_place(store):
    assert [store.increment("k", period=60) for _ in range(3)] == [1, 2, 3]


def test_keys_count_for_themselves(store):
    store.increment("one", period=60)

    assert store.increment("two", period=60) == 1


def test_what_was_counted_can_be_read(store):
    store.increment("one", period=60)
    store.increment("one", period=60)
    store.increment("two", period=60)

    assert store.get_many(["one", "two", "three"]) == {"one": 2, "two": 1}
    assert store.get_many([]) == {}


def test_twenty_at_once_get_twenty_places(store):
    places = at_once(lambda: store.increment("k", period=60), times=20)

    assert sorted(places) == list(range(1, 21))
    assert store.get_many(["k"]) == {"k": 20}


def test_one_can_be_taken_back(store):
    store.increment("k", period=60)
    store.increment("k", period=60)

    store.decrement("k")

    assert store.increment("k", period=60) == 2


def test_taking_back_what_never_counted_leaves_nothing(store):
    store.decrement("k")

    assert store.get_many(["k"]).get("k", 0) == 0
    assert store.increment("k", period=60) == 1


def test_a_value_can_be_put_and_put_again(store):
    store.set("k", 7, period=60)
    store.set("k", 2_000_000_000, period=60)

    assert store.get_many(["k"]) == {"k": 2_000_000_000}


def test_what_is_forgotten_begins_anew(store):
    store.increment("one", period=60)
    store.set("two", 5, period=60)

    store.delete_many(["one", "two", "three"])

    assert store.get_many(["one", "two"]) == {}
    assert store.increment("one", period=60) == 1


@pytest.mark.parametrize("name", ["sqlite_store", "postgres_store", "locmem_store"])
def test_a_count_is_over_when_its_period_is(request, name):
    store = request.getfixturevalue(name)
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        store.increment("k", period=60)
        store.set("p", 3, period=61)
        clock.shift(59)
        store.increment("k", period=60)
        clock.shift(1)

        # The period began with the first one and did not move.
        assert store.get_many(["k", "p"]) == {"p": 3}
        assert store.increment("k", period=60) == 1
        store.decrement("p")
        assert store.get_many(["p"]) == {"p": 2}


def test_valkey_is_told_the_period_of_the_first_one(valkey_store):
    valkey_store.increment("k", period=60)
    valkey_store.increment("k", period=600)

    client = caches["default"]._cache.get_client()
    assert 0 < client.ttl(caches["default"].make_key("k")) <= 60


def test_twenty_at_once_begin_an_expired_count_anew(table):
    with time_machine.travel(1_600_000_000, tick=False):
        for _ in range(5):
            table.increment("k", period=60)

    places = at_once(lambda: table.increment("k", period=60), times=20)

    assert sorted(places) == list(range(1, 21))


def test_a_rolled_back_transaction_still_counts(postgres_store):
    with transaction.atomic(using=ALIAS):
        Counter.objects.using(ALIAS).create(
            key="written", value=1, expires_at="2100-01-01T00:00Z"
        )
        place = postgres_store.increment("k", period=60)
        postgres_store.set("p", 1, period=60)
        postgres_store.delete_many(["p"])
        transaction.set_rollback(True, using=ALIAS)

    assert place == 1
    assert postgres_store.get_many(["k", "p", "written"]) == {"k": 1}
    assert postgres_store.increment("k", period=60) == 2


def test_a_transaction_of_sqlite_counts_without_waiting_for_itself(sqlite_store):
    with transaction.atomic(using=ALIAS):
        # A read keeps every other connection from committing.
        sqlite_store.get_many(["k"])
        sqlite_store.increment("k", period=60)
        sqlite_store.increment("k", period=60)

    assert sqlite_store.get_many(["k"]) == {"k": 2}


def test_counting_does_not_wait_for_the_disk_of_postgresql(postgres_store):
    with connections[ALIAS].execute_wrapper(_seen := Recorder()):
        postgres_store.increment("k", period=60)

    assert _seen.statements[0] == "SET LOCAL synchronous_commit TO OFF"
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)


class Recorder:
    def __init__(self) -> None:
        self.statements: list[str] = []

    def __call__(self, execute, sql, params, many, context):
        self.statements.append(sql)
        return execute(sql, params, many, context)


def test_expired_counts_can_be_pruned(table):
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        table.increment("old", period=60)
        table.increment("new", period=600)
        clock.shift(60)

        assert table.prune() == 1
        assert table.prune() == 0
        assert table.get_many(["old", "new"]) == {"new": 1}


def test_a_table_that_is_gone_raises(table):
    with connections[ALIAS].schema_editor() as editor:
        editor.alter_db_table(Counter, Counter._meta.db_table, "elsewhere")
    try:
        for attempt in (
            lambda: table.increment("k", period=60),
            lambda: table.decrement("k"),
            lambda: table.get_many(["k"]),
            lambda: table.set("k", 1, period=60),
            lambda: table.delete_many(["k"]),
            table.prune,
        ):
            with pytest.raises(CountersUnavailable):
                attempt()
        with transaction.atomic(using=ALIAS), pytest.raises(CountersUnavailable):
            table.increment("k", period=60)
    finally:
        with connections[ALIAS].schema_editor() as editor:
            editor.alter_db_table(Counter, "elsewhere", Counter._meta.db_table)


@pytest.fixture
def dead_cache(settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": f"redis://127.0.0.1:{parts.free_port()}/0",
        }
    }
    settings.CRUDAUTH_COUNTERS = DEAD


def test_a_dead_cache_raises(dead_cache):
    store = get_counters()

    for attempt in (
        lambda: store.increment("k", period=60),
        lambda: store.decrement("k"),
        lambda: store.get_many(["k"]),
        lambda: store.set("k", 1, period=60),
        lambda: store.delete_many(["k"]),
    ):
        with pytest.raises(CountersUnavailable, match="ConnectionError"):
            attempt()


def test_a_cache_that_keeps_nothing_raises(settings):
    dummy = "django.core.cache.backends.dummy.DummyCache"
    settings.CACHES = {"default": {"BACKEND": dummy}}

    with pytest.raises(CountersUnavailable, match="no increment"):
        CacheCounters().increment("k", period=60)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/login", {"username": "ada", "password": "x"}),
        ("/register", {"username": "bob", "phone": "+12125552369", "password": "x"}),
        ("/email/verify-request", {"phone": "+12125552368"}),
        ("/password/reset-request", {"phone": "+12125552368"}),
    ],
)
def test_the_door_stays_shut_while_nobody_can_count(dead_cache, api, path, body):
    answer = api.post(path, body, format="json")

    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert int(answer["Retry-After"]) > 0
    assert answer.data["code"] == "unavailable"


@pytest.mark.django_db
def test_django_doors_stay_shut_while_nobody_can_count(dead_cache, client, ada):
    page = client.post("/admin/login/", {"username": "ada", "password": "x"})

    assert "sessionid" not in client.cookies
    assert page.status_code == HTTPStatus.OK


@pytest.mark.django_db
def test_the_table_of_the_project_is_used_with_no_setting():
    assert isinstance(get_counters(), DatabaseCounters)

    get_counters().increment("k", period=60)

    assert Counter.objects.get().value == 1
    assert str(Counter.objects.get()) == "k"


def test_a_key_says_nothing_and_is_the_same_everywhere(settings):
    key = counter_key("lockout", "identifier", "ada")

    assert "ada" not in key
    assert len(key) == 40
    assert key == counter_key("lockout", "identifier", "ada")
    assert key != counter_key("lockout", "identifiera", "da")
    settings.SECRET_KEY = "another"
    assert key != counter_key("lockout", "identifier", "ada")


def test_a_database_without_conflict_targets_is_told_none(sqlite_store):
    """MySQL and MariaDB accept none. SQLite needs one to update the row."""
    connection = connections[ALIAS]

    with connection.execute_wrapper(recorder := Recorder()):
        sqlite_store.set("k", 1, period=60)
        connection.features.supports_update_conflicts_with_target = False
        with pytest.raises(CountersUnavailable):
            sqlite_store.set("k", 1, period=60)

    statements = [text for text in recorder.statements if text.startswith("INSERT")]
    with_target, without_target = statements
    assert 'ON CONFLICT("key") DO UPDATE' in with_target
    assert "ON CONFLICT" not in without_target
