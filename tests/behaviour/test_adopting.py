"""``crudauth_adopt`` over rows with values that are not normalized."""

from __future__ import annotations

import io
from http import HTTPStatus

import pytest
from django.core.management import call_command
from django.db import connection

from crudauth_django.users import field_of, user_model, user_shape
from tests.support.people import Person

pytestmark = pytest.mark.django_db


def write_as_typed(person: Person) -> None:
    table = user_model()._meta.db_table
    key = user_model()._meta.pk.get_db_prep_value(person.account.pk, connection)
    columns = [field_of(name).column for name in user_shape().columns]
    assignments = ", ".join(f"{column} = %s" for column in columns)
    typed = [person.typed(name) for name in user_shape().columns]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {assignments} WHERE id = %s",  # noqa: S608 (names of the model)
            [*typed, key],
        )


def test_adopted_account_can_log_in_with_normalized_value(ada, bob):
    for person in (ada, bob):
        person.register()
        write_as_typed(person)
    before = ada.log_in()

    call_command("crudauth_adopt", "--apply", stdout=io.StringIO())

    assert before.status_code == HTTPStatus.UNAUTHORIZED
    assert ada.log_in().status_code == HTTPStatus.OK
    assert bob.log_in().status_code == HTTPStatus.OK
