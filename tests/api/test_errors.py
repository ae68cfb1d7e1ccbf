"""Errors of the database and the counter store: the response, and the log."""

from __future__ import annotations

import logging
from http import HTTPStatus

import pytest
import time_machine
from django.db import IntegrityError, OperationalError, connection, models
from django.utils import timezone

from crudauth_django.api.errors import Conflict, as_response_error
from crudauth_django.counters import outages
from crudauth_django.models import Counter
from tests.support.client import PASSWORD
from tests.support.databases import connected, create_database, with_counters

LOGGER = "crudauth_django.api.errors"


def null_in_a_column(**_values):
    return {"date_joined": None}


@pytest.mark.django_db
def test_refused_write_is_409_and_logged_without_values(api, settings, caplog):
    settings.CRUDAUTH_NEW_USER_FIELDS = null_in_a_column
    body = {"username": "grace", "phone": "+12125550199", "password": PASSWORD}

    response = api.post("/register", body)

    assert response.status_code == HTTPStatus.CONFLICT
    assert response.data["code"] == "conflict"
    (record,) = [r for r in caplog.records if r.name == LOGGER]
    assert record.levelname == "ERROR"
    assert record.getMessage() == (
        "The database refused a write: IntegrityError (SQLITE_CONSTRAINT_NOTNULL)."
    )
    assert record.exc_info is None


@pytest.mark.slow
def test_log_names_constraint_or_column_of_postgresql(
    postgres_uri, django_db_blocker, caplog
):
    with (
        django_db_blocker.unblock(),
        connected("refusing", create_database(postgres_uri)) as connection,
        with_counters(connection),
    ):
        rows = Counter.objects.using("refusing")
        twice = {"key": "a secret", "expires_at": timezone.now()}
        rows.create(**twice)
        for values in (twice, {"key": "another secret"}):
            with pytest.raises(IntegrityError) as refused:
                rows.create(**values)
            assert isinstance(as_response_error(refused.value), Conflict)

    assert [r.getMessage() for r in caplog.records if r.name == LOGGER] == [
        "The database refused a write: UniqueViolation (crudauth_counter_pkey).",
        "The database refused a write: NotNullViolation (expires_at).",
    ]


def test_log_names_error_number_of_mysql(caplog):
    driver = Exception(1062, "Duplicate entry 'a secret' for key 'PRIMARY'")

    with pytest.raises(IntegrityError) as refused:
        raise IntegrityError(*driver.args) from driver

    assert isinstance(as_response_error(refused.value), Conflict)
    assert caplog.messages == ["The database refused a write: Exception (1062)."]


def test_log_names_error_without_a_driver_as_unnamed(caplog):
    as_response_error(models.ProtectedError("a secret", set()))

    assert caplog.messages == [
        "The database refused a write: ProtectedError (unnamed)."
    ]


@pytest.fixture
def no_table(db):
    """A project whose migrations were forgotten; the transaction is rolled back."""
    outages._logged.clear()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE crudauth_counter RENAME TO crudauth_elsewhere")


def outages_in(caplog) -> list[logging.LogRecord]:
    return [r for r in caplog.records if r.name == outages.logger.name]


@pytest.mark.usefixtures("no_table")
def test_cause_of_503_is_logged_once_with_traceback(api, caplog):
    responses = [api.log_in("ada", "a wrong one") for _ in range(3)]

    (record,) = outages_in(caplog)
    assert {r.status_code for r in responses} == {HTTPStatus.SERVICE_UNAVAILABLE}
    assert {*responses[0].json()} == {"detail", "code"}
    assert record.levelno == logging.ERROR
    text = record.getMessage()
    assert "OperationalError: no such table: crudauth_counter" in text
    assert "in_database.py" in text
    assert "a wrong one" not in text
    assert record.exc_info is None


@pytest.mark.usefixtures("no_table")
def test_cause_of_503_is_logged_again_after_a_minute(api, caplog):
    with time_machine.travel("2030-01-01T00:00Z", tick=False) as clock:
        api.log_in()
        clock.shift(outages.SILENCE)
        api.log_in()

    assert len(outages_in(caplog)) == 2


@pytest.mark.usefixtures("no_table")
def test_503_shows_cause_while_debug_is_on(api, settings):
    settings.DEBUG = True

    response = api.log_in()

    assert response.json()["cause"] == (
        "OperationalError: no such table: crudauth_counter"
    )


@pytest.mark.usefixtures("no_table")
def test_admin_login_without_counters_logs_the_cause(client, ada, caplog):
    client.post("/admin/login/", {"username": "ada", "password": PASSWORD})

    assert len(outages_in(caplog)) == 1


def test_text_of_mysql_shows_no_value_of_a_statement():
    error = OperationalError(1366, "Can't convert: value: 'ada@example.com' for x")

    assert outages.describe(error) == (
        'OperationalError: (1366, "Can\'t convert: value: … for x")'
    )
