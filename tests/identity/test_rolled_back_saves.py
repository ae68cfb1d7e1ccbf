"""A save that is rolled back counts as not saved: the next save writes again."""

from __future__ import annotations

import copy
import pickle
import weakref
from contextlib import ExitStack, suppress

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections, transaction
from django.test import TestCase

from crudauth_django.users import user_model
from tests.support.client import NEW_PASSWORD
from tests.support.databases import connected

VALUE = "+12125552368"
OTHER = "+12125552369"


class SerializationFailure(Exception):
    """As a database raises it; the transaction must be tried again."""


def row(**where) -> dict[str, object]:
    return user_model().objects.values().get(**where)


def roll_back(write, using="default") -> None:
    """Run in a transaction, or a savepoint, that is rolled back."""
    with transaction.atomic(using=using):
        write()
        transaction.set_rollback(True, using=using)


def ban(user) -> None:
    user.is_active = user.is_staff = False
    user.save()


@pytest.fixture(params=["db", "transactional_db"])
def staff(request):
    """An account with rights, in a test's transaction and in none."""
    request.getfixturevalue(request.param)
    flags = {"is_staff": True, "phone_verified": True}
    user_model().objects.create_user(username="ada", phone=VALUE, **flags)
    return user_model().objects.get()


def fail() -> None:
    raise SerializationFailure


def test_ban_after_retry_is_written(staff):
    for after in (fail, lambda: None):
        with suppress(SerializationFailure), transaction.atomic():
            ban(staff)
            after()

    assert (row()["is_active"], row()["is_staff"]) == (False, False)


@pytest.mark.parametrize("how", [{}, {"update_fields": ["phone"]}], ids=["all", "one"])
def test_factor_after_retry_is_written_unverified(staff, how):
    staff.phone = OTHER
    roll_back(lambda: staff.save(**how))
    before = row()

    staff.save(**how)

    assert (str(before["phone"]), before["phone_verified"]) == (VALUE, True)
    assert (str(row()["phone"]), row()["phone_verified"]) == (OTHER, False)
    assert row()["auth_epoch"] == 1


def test_password_after_retry_is_written(staff):
    staff.set_password(NEW_PASSWORD)
    roll_back(staff.save)

    staff.save()

    assert user_model().objects.get().check_password(NEW_PASSWORD)


def test_second_save_in_one_transaction_keeps_new_verification(staff):
    staff.phone = OTHER
    with transaction.atomic():
        staff.save()
        user_model()._base_manager.update(phone_verified=True)
        staff.save()
    staff.save()

    assert (row()["phone_verified"], row()["auth_epoch"]) == (True, 1)


def test_committed_save_is_not_written_again(staff):
    with transaction.atomic():
        ban(staff)
    user_model()._base_manager.update(is_active=True)

    staff.save()

    assert row()["is_active"]


def test_inner_rollback_keeps_save_of_outer_transaction(staff):
    with transaction.atomic():
        staff.is_active = False
        staff.save()
        staff.is_staff = False
        roll_back(staff.save)
        user_model()._base_manager.update(is_active=True)
        staff.save()

    assert (row()["is_active"], row()["is_staff"]) == (True, False)


def test_outer_rollback_undoes_released_savepoint(staff):
    def write() -> None:
        with transaction.atomic():
            ban(staff)

    roll_back(write)
    staff.save()

    assert not row()["is_active"]


def test_values_saved_twice_are_those_of_before_the_first(staff):
    def write() -> None:
        for name in ("grace", "lovelace"):
            staff.username = name
            staff.save()

    roll_back(write)
    assert staff.changed_fields() == {"username"}
    staff.username = "ada"

    assert staff.changed_fields() == set()


def test_refresh_after_rollback_discards_the_change(staff):
    roll_back(lambda: ban(staff))
    staff.refresh_from_db()

    staff.save()

    assert (row()["is_active"], staff.is_active) == (True, True)


def test_refresh_inside_rolled_back_transaction_is_undone(staff):
    def write() -> None:
        ban(staff)
        staff.refresh_from_db()

    roll_back(write)
    staff.save()

    assert not row()["is_active"]


def test_deferred_field_after_retry_is_written(staff):
    user = user_model().objects.only("username").get()
    user.phone = OTHER
    roll_back(user.save)

    user.save()

    assert str(row()["phone"]) == OTHER


def test_bulk_update_after_retry_is_written_by_save(staff):
    staff.username = "lovelace"
    roll_back(lambda: user_model().objects.bulk_update([staff], ["username"]))

    staff.save()

    assert row()["username"] == "lovelace"


def test_rolled_back_account_is_inserted_again(staff):
    made = user_model()(username="bob", phone=OTHER, password="!")
    roll_back(made.save)
    user_model().objects.create_user(username="eve")

    made.save()

    assert set(user_model().objects.values_list("username", flat=True)) == {
        "ada",
        "bob",
        "eve",
    }


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_copy_knows_of_the_rollback(staff, duplicate):
    copies = []

    def write() -> None:
        ban(staff)
        copies.append(duplicate(staff))

    roll_back(write)
    copies[0].save()

    assert not row()["is_active"]


def test_pickle_of_open_transaction_counts_as_committed(staff):
    """A stale copy must not restore a password; it can't know of the commit."""
    with transaction.atomic():
        staff.set_password(NEW_PASSWORD)
        staff.save()
        stored = pickle.dumps(staff)
    user_model()._base_manager.update(password="newer")

    pickle.loads(stored).save()  # noqa: S301 (made above)

    assert row()["password"] == "newer"


def test_open_transaction_keeps_no_instance_alive(staff):
    with transaction.atomic():
        user = user_model().objects.get()
        ban(user)
        reference = weakref.ref(user)
        del user

        assert reference() is None


def test_save_without_tracked_change_adds_no_callback(staff):
    with transaction.atomic():
        before = len(connections["default"].run_on_commit)
        staff.save()
        staff.save(update_fields=["last_login"])

        assert len(connections["default"].run_on_commit) == before


def test_asave_after_retry_is_written(staff):
    async def work() -> None:
        staff.is_active = False
        await sync_to_async(roll_back)(staff.save)
        await staff.asave()

    async_to_sync(work)()

    assert not row()["is_active"]


@pytest.fixture
def two_databases(tmp_path, django_db_blocker):
    """Two more databases, each with an account under the same key."""
    names = ("one", "two")
    with ExitStack() as stack:
        stack.enter_context(django_db_blocker.unblock())
        for name in names:
            path = str(tmp_path / name)
            connection = stack.enter_context(connected(name, path))
            with connection.schema_editor() as editor:
                editor.create_model(user_model())
            user_model().objects.using(name).create(pk=1, username="ada")
        yield names


def test_rollback_on_one_of_two_databases_is_seen(two_databases):
    one, two = two_databases
    ada = user_model().objects.using(two).get()
    ada.username = "lovelace"

    with transaction.atomic(using=one):
        roll_back(ada.save, two)
        ada.save()

    stored = [user_model().objects.using(n).get().username for n in two_databases]
    assert stored == ["ada", "lovelace"]


class SetUpTestData(TestCase):
    """Instances of a class are copied for each test, in transactions of its own."""

    @classmethod
    def setUpTestData(cls):
        cls.user = user_model().objects.create_user(username="ada", phone=VALUE)

    def test_first(self):
        ban(self.user)

        assert not row()["is_active"]

    def test_second(self):
        assert self.user.changed_fields() == set()
        ban(self.user)

        assert not row()["is_active"]
