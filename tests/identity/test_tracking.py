"""A full save writes the tracked fields that this instance changed, and no others."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crudauth_django.models import AbstractAuthUser
from crudauth_django.users import user_model
from tests.support.client import NEW_PASSWORD, PASSWORD

pytestmark = pytest.mark.django_db

VALUE = "+12125552368"
OTHER = "+12125552369"


def twice() -> tuple[AbstractAuthUser, AbstractAuthUser]:
    """Read one account two times."""
    return user_model().objects.get(), user_model().objects.get()


def row() -> dict[str, object]:
    return user_model().objects.values().get()


def test_stale_save_does_not_restore_password(ada):
    stale, fresh = twice()
    fresh.set_password(NEW_PASSWORD)
    fresh.save()

    stale.is_staff = True
    stale.save()

    now = user_model().objects.get()
    assert now.is_staff
    assert now.check_password(NEW_PASSWORD)


@pytest.mark.parametrize(
    "columns",
    [
        {"phone": OTHER},
        {"phone_verified": True},
        {"phone_pending": OTHER},
        {"auth_epoch": 5},
        {"username": "lovelace"},
        {"password": "another"},
    ],
    ids=lambda columns: next(iter(columns)),
)
def test_stale_save_undoes_no_tracked_field(ada, columns):
    (stale, _fresh) = twice()
    user_model().objects.update(**columns)
    before = row()

    stale.save()

    assert row() == before


def test_stale_save_restores_neither_activity_nor_staff(ada):
    user_model().objects.filter(pk=ada.pk).update(is_staff=True)
    stale = user_model().objects.get(pk=ada.pk)
    user_model().objects.filter(pk=ada.pk).update(is_active=False, is_staff=False)

    stale.save()

    fresh = user_model().objects.get(pk=ada.pk)
    assert (fresh.is_active, fresh.is_staff) == (False, False)


def test_full_save_writes_changed_fields(ada):
    ada.set_password(NEW_PASSWORD)
    ada.username = " Lovelace "
    ada.is_staff = True

    ada.save()

    now = user_model().objects.get()
    assert now.check_password(NEW_PASSWORD)
    assert now.username == ada.username == "lovelace"
    assert now.is_staff


def test_change_left_out_by_one_save_is_in_the_next(ada):
    ada.set_password(NEW_PASSWORD)
    ada.phone = OTHER
    ada.is_staff = True

    ada.save(update_fields=["is_staff"])
    assert user_model().objects.get().check_password(PASSWORD)
    ada.save()

    now = user_model().objects.get()
    assert now.check_password(NEW_PASSWORD)
    assert now.held_value == OTHER


def test_save_with_update_fields_writes_those_only(ada):
    (stale, _fresh) = twice()
    user_model().objects.update(is_staff=True)

    stale.username = "lovelace"
    stale.save(update_fields=["username"])

    assert (row()["username"], row()["is_staff"]) == ("lovelace", True)


def test_save_with_empty_update_fields_writes_nothing(ada):
    ada.username = "lovelace"

    ada.save(update_fields=[])

    assert row()["username"] == "ada"


def test_asave_undoes_no_tracked_field(ada):
    (stale, _fresh) = twice()
    user_model().objects.update(password="another")

    async_to_sync(stale.asave)()

    assert row()["password"] == "another"


@pytest.mark.parametrize(
    "read",
    [
        lambda rows: rows.only("username").get(),
        lambda rows: rows.defer("password", "phone", "auth_epoch").get(),
    ],
    ids=["only", "defer"],
)
def test_save_of_deferred_instance_undoes_nothing(ada, read):
    user = read(user_model().objects)
    user_model().objects.update(password="another", phone=OTHER, auth_epoch=3)

    user.is_staff = True
    user.save()

    assert (row()["password"], str(row()["phone"]), row()["auth_epoch"]) == (
        "another",
        OTHER,
        3,
    )


def test_save_writes_deferred_field_that_was_set(ada):
    user_model().objects.update(phone_verified=True)
    user = user_model().objects.only("username").get()

    user.phone = OTHER
    user.save()

    assert str(row()["phone"]) == OTHER
    assert (row()["auth_epoch"], row()["phone_verified"]) == (1, False)


def test_save_of_instance_built_by_hand_writes_all_fields(ada):
    built = user_model()(pk=ada.pk, username="ada", phone=OTHER, password="another")
    built._state.adding = False

    built.save()

    assert str(row()["phone"]) == OTHER
    assert row()["password"] == "another"


def test_refresh_discards_changes(ada):
    ada.phone = OTHER
    ada.refresh_from_db()
    user_model().objects.update(phone="+12125552370")

    ada.save()

    assert str(row()["phone"]) == "+12125552370"


@pytest.mark.parametrize("how", [{"fields": ["phone"]}, {}], ids=["one", "all"])
def test_refresh_of_field_reads_it_again(ada, how):
    user_model().objects.update(phone=OTHER)
    ada.refresh_from_db(**how)
    ada.phone = VALUE

    ada.save()

    assert str(row()["phone"]) == VALUE


def test_save_without_tracked_changes_is_one_statement(ada):
    user = user_model().objects.get()

    with CaptureQueriesContext(connection) as queries:
        user.save()

    assert len([q for q in queries if q["sql"].startswith("UPDATE")]) == 1
    assert len([q for q in queries if q["sql"].startswith("SELECT")]) == 0
