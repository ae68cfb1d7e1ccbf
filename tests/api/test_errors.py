"""What a database refuses is a conflict to the client, and an error in the log."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.db import IntegrityError, models
from django.utils import timezone

from crudauth_django.api.errors import Conflict, as_response_error
from crudauth_django.models import Counter
from tests.conftest import PASSWORD
from tests.support.databases import connected, new_postgres_database, with_counters

LOGGER = "crudauth_django.api.errors"


def nothing_in_a_column(**_values):
    return {"date_joined": None}


@pytest.mark.django_db
def test_a_column_that_nobody_fills_is_a_conflict_and_logged_without_values(
    api, settings, caplog
):
    settings.CRUDAUTH_NEW_USER_FIELDS = nothing_in_a_column
    body = {"username": "grace", "phone": "+12125550199", "password": PASSWORD}

    answer = api.post("/register", body, format="json")

    assert answer.status_code == HTTPStatus.CONFLICT
    assert answer.data["code"] == "conflict"
    (record,) = [r for r in caplog.records if r.name == LOGGER]
    assert record.levelname == "ERROR"
    assert record.getMessage() == (
        "The database refused a write: IntegrityError (SQLITE_CONSTRAINT_NOTNULL)."
    )
    assert record.exc_info is None


def test_postgresql_names_the_constraint_or_the_column(
    postgres_uri, django_db_blocker, caplog
):
    with (
        django_db_blocker.unblock(),
        connected("refusing", new_postgres_database(postgres_uri)) as connection,
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


def test_a_number_is_all_that_mysql_gives(caplog):
    driver = Exception(1062, "Duplicate entry 'a secret' for key 'PRIMARY'")

    with pytest.raises(IntegrityError) as refused:
        raise IntegrityError(*driver.args) from driver

    assert isinstance(as_response_error(refused.value), Conflict)
    assert caplog.messages == ["The database refused a write: Exception (1062)."]


def test_what_no_driver_explains_is_logged_all_the_same(caplog):
    as_response_error(models.ProtectedError("a secret", set()))

    assert caplog.messages == [
        "The database refused a write: ProtectedError (unnamed)."
    ]
