"""A write that the database refuses: 409 for the client, an error in the log."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.db import IntegrityError, models
from django.utils import timezone

from crudauth_django.api.errors import Conflict, as_response_error
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
