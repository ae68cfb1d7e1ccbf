"""One behaviour of every counter store, and the differences between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus

import pytest
import time_machine
from django.core.cache import caches
from django.db import OperationalError, connections, transaction
from django.test import override_settings

from crudauth_django.counters import get_counters, statements
from crudauth_django.counters.base import CounterStore, counter_key
from crudauth_django.counters.in_cache import CacheCounters
from crudauth_django.counters.in_database import DatabaseCounters
from crudauth_django.exceptions import CountersUnavailable
from crudauth_django.models import Counter
from tests.support import parts
from tests.support.databases import (
    connected,
    create_database,
    run_sql,
    with_counters,
)
from tests.support.waiting import at_once, disconnect_caches

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
        disconnect_caches()


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


#: Stores on a server of their own.
SERVED = [pytest.param(name, marks=pytest.mark.slow) for name in ("postgres", "valkey")]


@pytest.fixture(params=["sqlite", "locmem", *SERVED])
def store(request) -> CounterStore:
    return request.getfixturevalue(f"{request.param}_store")


@pytest.fixture(params=["sqlite", SERVED[0]])
def table(request) -> CounterStore:
    return request.getfixturevalue(f"{request.param}_store")


def test_increment_returns_the_new_count(store):
    assert [store.increment("k", period=60) for _ in range(3)] == [1, 2, 3]


def test_keys_are_counted_separately(store):
    store.increment("one", period=60)

    assert store.increment("two", period=60) == 1


def test_get_many_returns_counts_of_known_keys(store):
    store.increment("one", period=60)
    store.increment("one", period=60)
    store.increment("two", period=60)

    assert store.get_many(["one", "two", "three"]) == {"one": 2, "two": 1}
    assert store.get_many([]) == {}


def test_parallel_increments_return_different_counts(store):
    counts = at_once([partial(store.increment, "k", period=60)] * 20)

    assert sorted(counts) == list(range(1, 21))
    assert store.get_many(["k"]) == {"k": 20}


def test_many_keys_are_incremented_with_a_period_each(store):
    store.increment("one", period=60)

    counts = store.increment_many({"two": 600, "one": 60})

    assert counts == {"one": 2, "two": 1}
    assert store.get_many(["one", "two"]) == counts
    assert store.increment_many({}) == {}


def test_parallel_increments_of_many_keys_differ(store):
    both = {"a": 60, "b": 60}

    counts = at_once([partial(store.increment_many, both)] * 20)

    assert sorted(each["a"] for each in counts) == list(range(1, 21))
    assert sorted(each["b"] for each in counts) == list(range(1, 21))


def test_clear_deletes_some_keys_and_decrements_others(store):
    for _ in range(2):
        store.increment_many(dict.fromkeys(["one", "two", "three"], 60))

    store.clear(delete=["one", "gone"], decrement=["two", "unknown"])

    found = store.get_many(["one", "two", "three", "gone", "unknown"])
    assert {key: count for key, count in found.items() if count} == {
        "two": 1,
        "three": 2,
    }
    assert store.increment_many({"one": 60, "unknown": 60}) == {"one": 1, "unknown": 1}


def test_set_many_sets_value_and_period_of_each_key(store):
    store.set_many({"one": (7, 60), "two": (2**40, 600)})

    assert store.get_many(["one", "two"]) == {"one": 7, "two": 2**40}


def test_decrement_takes_one_back(store):
    store.increment("k", period=60)
    store.increment("k", period=60)

    store.decrement("k")

    assert store.increment("k", period=60) == 2


def test_decrement_of_unknown_key_counts_nothing(store):
    store.decrement("k")

    assert store.get_many(["k"]).get("k", 0) == 0
    assert store.increment("k", period=60) == 1


def test_set_replaces_value(store):
    store.set("k", 7, period=60)
    store.set("k", 2_000_000_000, period=60)

    assert store.get_many(["k"]) == {"k": 2_000_000_000}


def test_deleted_key_starts_again(store):
    store.increment("one", period=60)
    store.set("two", 5, period=60)

    store.delete_many(["one", "two", "three"])

    assert store.get_many(["one", "two"]) == {}
    assert store.increment("one", period=60) == 1


@pytest.mark.parametrize("store", ["sqlite", "locmem", SERVED[0]], indirect=True)
def test_count_ends_with_the_period(store):
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


@pytest.mark.slow
def test_valkey_expiry_is_that_of_the_first_increment(valkey_store):
    valkey_store.increment("k", period=60)
    valkey_store.increment("k", period=600)

    client = caches["default"]._cache.get_client()
    assert 0 < client.ttl(caches["default"].make_key("k")) <= 60


def test_parallel_increments_restart_an_expired_count(table):
    with time_machine.travel(1_600_000_000, tick=False):
        for _ in range(5):
            table.increment("k", period=60)

    counts = at_once([partial(table.increment, "k", period=60)] * 20)

    assert sorted(counts) == list(range(1, 21))


@pytest.mark.slow
def test_increment_survives_rollback_on_postgresql(postgres_store):
    with transaction.atomic(using=ALIAS):
        Counter.objects.using(ALIAS).create(
            key="written", value=1, expires_at="2100-01-01T00:00Z"
        )
        count = postgres_store.increment("k", period=60)
        postgres_store.set("p", 1, period=60)
        postgres_store.delete_many(["p"])
        transaction.set_rollback(True, using=ALIAS)

    assert count == 1
    assert postgres_store.get_many(["k", "p", "written"]) == {"k": 1}
    assert postgres_store.increment("k", period=60) == 2


def test_increment_in_transaction_does_not_block_on_sqlite(sqlite_store):
    with transaction.atomic(using=ALIAS):
        # A read keeps every other connection from committing.
        sqlite_store.get_many(["k"])
        sqlite_store.increment("k", period=60)
        sqlite_store.increment("k", period=60)

    assert sqlite_store.get_many(["k"]) == {"k": 2}


def statements_of(call: Callable[[], object]) -> list[str]:
    with connections[ALIAS].execute_wrapper(recorder := Recorder()):
        call()
    return [text.split()[0] for text in recorder.statements]


@pytest.mark.slow
def test_table_is_unlogged_on_postgresql(databases):
    query = "SELECT relpersistence FROM pg_class WHERE relname = 'crudauth_counter'"

    assert run_sql(databases.fresh("postgresql"), query) == [("u",)]


def test_each_operation_is_one_statement(table):
    periods = {"one": 60, "two": 600}

    assert statements_of(lambda: table.increment_many(periods)) == ["INSERT"]
    assert statements_of(lambda: table.increment("one", period=60)) == ["INSERT"]
    assert statements_of(lambda: table.get_many(periods)) == ["SELECT"]
    assert statements_of(lambda: table.set_many({"a": (1, 60), "b": (2, 60)})) == [
        "INSERT"
    ]
    assert statements_of(lambda: table.clear(delete=["a"], decrement=["one"])) == [
        "UPDATE"
    ]
    assert statements_of(lambda: table.clear(delete=["a"], decrement=[])) == ["DELETE"]
    assert statements_of(lambda: table.delete_many([])) == []
    assert statements_of(lambda: table.increment_many({})) == []


@pytest.mark.slow
def test_each_operation_is_one_command_on_valkey(valkey_store):
    client = caches["default"]._cache.get_client()

    def scripts() -> int:
        return client.info("commandstats").get("cmdstat_eval", {"calls": 0})["calls"]

    before = scripts()
    valkey_store.increment_many({"one": 60, "two": 600})
    valkey_store.increment("one", period=60)
    valkey_store.clear(delete=["two"], decrement=["one"])

    assert scripts() - before == 3
    assert valkey_store.get_many(["one", "two"]) == {"one": 1}


@pytest.mark.slow
def test_parallel_writes_of_several_keys_do_not_deadlock(postgres_store):
    keys = [f"k{number}" for number in range(8)]

    def write(number: int) -> None:
        some = keys[number % 4 :][:: 1 if number % 2 else -1]
        for _ in range(20):
            postgres_store.increment_many(dict.fromkeys(some, 60))
            postgres_store.clear(delete=some[:2], decrement=some[2:])

    at_once([partial(write, number) for number in range(8)])

    assert set(postgres_store.get_many(keys).values()) <= {0}


class Recorder:
    """Collects the statements of a connection."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def __call__(self, execute, sql, params, many, context):
        self.statements.append(sql)
        return execute(sql, params, many, context)


def test_prune_deletes_expired_counts_only(table):
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        table.increment("old", period=60)
        table.increment("new", period=600)
        clock.shift(60)

        assert table.prune() == 1
        assert table.prune() == 0
        assert table.get_many(["old", "new"]) == {"new": 1}


def test_expired_rows_are_deleted_without_a_scheduled_job(table, monkeypatch):
    monkeypatch.setattr(DatabaseCounters, "prune_every", 60)
    monkeypatch.setattr(DatabaseCounters, "prune_batch", 4)
    rows = Counter.objects.using(ALIAS)
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        store = DatabaseCounters(alias=ALIAS)
        store.increment_many({f"old{number}": 30 for number in range(6)})
        store.increment("live", period=600)
        clock.shift(59)
        store.increment("live", period=600)
        before = rows.count()
        clock.shift(1)
        store.increment("live", period=600)
        after_one = rows.count()
        clock.shift(1)
        store.increment("live", period=600)
        after_two = rows.count()

        assert (before, after_one, after_two) == (7, 3, 1)
        assert store.get_many(["live"]) == {"live": 4}


def test_count_succeeds_if_pruning_fails(table, monkeypatch):
    monkeypatch.setattr(DatabaseCounters, "prune_every", 0)
    store = DatabaseCounters(alias=ALIAS)

    def fail(_store) -> int:
        raise OperationalError("busy")

    monkeypatch.setattr(DatabaseCounters, "_delete_batch", fail)

    assert store.increment("k", period=60) == 1


def test_missing_table_raises_counters_unavailable(table):
    with connections[ALIAS].schema_editor() as editor:
        editor.alter_db_table(Counter, Counter._meta.db_table, "elsewhere")
    try:
        for attempt in (
            lambda: table.increment("k", period=60),
            lambda: table.decrement("k"),
            lambda: table.get_many(["k"]),
            lambda: table.set("k", 1, period=60),
            lambda: table.delete_many(["k"]),
            lambda: table.increment_many({"k": 60, "l": 60}),
            lambda: table.set_many({"k": (1, 60)}),
            lambda: table.clear(delete=["k"], decrement=["l"]),
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


def test_dead_cache_raises_counters_unavailable(dead_cache):
    store = get_counters()

    for attempt in (
        lambda: store.increment("k", period=60),
        lambda: store.decrement("k"),
        lambda: store.get_many(["k"]),
        lambda: store.set("k", 1, period=60),
        lambda: store.delete_many(["k"]),
        lambda: store.increment_many({"k": 60, "l": 60}),
        lambda: store.set_many({"k": (1, 60)}),
        lambda: store.clear(delete=["k"], decrement=["l"]),
    ):
        with pytest.raises(CountersUnavailable, match="ConnectionError"):
            attempt()


def test_dummy_cache_raises_counters_unavailable(settings):
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
def test_endpoints_respond_503_while_counters_are_down(dead_cache, api, path, body):
    response = api.post(path, body)

    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert int(response["Retry-After"]) > 0
    assert response.data["code"] == "unavailable"


@pytest.mark.django_db
def test_admin_login_is_refused_while_counters_are_down(dead_cache, client, ada):
    page = client.post("/admin/login/", {"username": "ada", "password": "x"})

    assert "sessionid" not in client.cookies
    assert page.status_code == HTTPStatus.OK


@pytest.mark.django_db
def test_default_store_is_the_table_of_the_project():
    assert isinstance(get_counters(), DatabaseCounters)

    get_counters().increment("k", period=60)

    assert Counter.objects.get().value == 1
    assert str(Counter.objects.get()) == "k"


def test_counter_key_is_stable_and_hides_the_parts(settings):
    key = counter_key("lockout", "identifier", "ada")

    assert "ada" not in key
    assert len(key) == 40
    assert key == counter_key("lockout", "identifier", "ada")
    assert key != counter_key("lockout", "identifiera", "da")
    settings.SECRET_KEY = "another"
    assert key != counter_key("lockout", "identifier", "ada")


def test_database_without_upsert_counts_alike(sqlite_store, monkeypatch):
    """MySQL and Oracle return no rows of an ``INSERT``."""
    monkeypatch.setattr(statements, "can_upsert", lambda _connection: False)
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        first = sqlite_store.increment_many({"one": 60, "two": 600})
        second = sqlite_store.increment_many({"one": 60, "two": 600})
        sqlite_store.set_many({"three": (7, 60), "one": (5, 60)})
        sqlite_store.clear(delete=["three"], decrement=["two"])
        found = sqlite_store.get_many(["one", "two", "three"])
        clock.shift(60)
        third = sqlite_store.increment_many({"one": 60, "two": 600})

    assert (first, second) == ({"one": 1, "two": 1}, {"one": 2, "two": 2})
    assert found == {"one": 5, "two": 1}
    assert third == {"one": 1, "two": 2}


def test_database_without_upsert_needs_conflict_target(sqlite_store, monkeypatch):
    """MySQL accepts none. SQLite needs one to update the row."""
    monkeypatch.setattr(statements, "can_upsert", lambda _connection: False)
    sqlite_store.set("k", 1, period=60)
    features = connections[ALIAS].features
    monkeypatch.setattr(features, "supports_update_conflicts_with_target", False)

    with pytest.raises(CountersUnavailable):
        sqlite_store.set("k", 1, period=60)
