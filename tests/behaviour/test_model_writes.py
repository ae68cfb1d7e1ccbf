"""Every write of the model's API follows the rules of ``save()``.

The conditions are evaluated by the database, so they run on each one.
"""

from __future__ import annotations

from http import HTTPStatus

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import NotSupportedError, connection
from django.db.models import F, Value
from django.db.models.functions import Concat, Lower

from crudauth_django.users import user_model, user_shape
from tests.behaviour.test_mariadb import lookalike
from tests.support.client import NEW_PASSWORD
from tests.support.people import can_claim

pytestmark = [pytest.mark.django_db, pytest.mark.needs_factor]


def state(user) -> tuple[bool, str | None, int]:
    """Return flag, claim and epoch of the row."""
    account = user_model().objects.get(pk=user.pk)
    verified = getattr(account, user_shape().verified)
    return verified, account.pending_value, account.auth_epoch


def with_update(user, **values):
    user_model().objects.filter(pk=user.pk).update(**values)


def with_aupdate(user, **values):
    async_to_sync(user_model().objects.filter(pk=user.pk).aupdate)(**values)


def with_related_manager(user, **values):
    group, _created = Group.objects.get_or_create(name="all")
    user.groups.add(group)
    group.user_set.update(**values)


def with_bulk_update(user, **values):
    for name, value in values.items():
        setattr(user, name, value)
    user_model().objects.bulk_update([user], list(values))


def with_save(user, **values):
    for name, value in values.items():
        setattr(user, name, value)
    user.save()


def with_update_fields(user, **values):
    for name, value in values.items():
        setattr(user, name, value)
    user.save(update_fields=list(values))


def with_stale_instance(user, **values):
    """Save an instance that has the new values in memory already."""
    stale = user_model()._base_manager.get(pk=user.pk)
    for name, value in values.items():
        setattr(stale, name, value)
    stale.mark_saved(values)
    stale.save(update_fields=list(values))


WAYS = [
    with_update,
    with_aupdate,
    with_related_manager,
    with_bulk_update,
    with_save,
    with_update_fields,
    with_stale_instance,
]
each_way = pytest.mark.parametrize(
    "write", WAYS, ids=lambda way: way.__name__.removeprefix("with_")
)


@pytest.fixture
def account(verified_ada):
    """A verified account with a claim."""
    user = verified_ada.account
    claim = {user_shape().pending: "+12125550199"}
    user_model()._base_manager.filter(pk=user.pk).update(**claim)
    return user_model().objects.get(pk=user.pk)


@each_way
def test_written_factor_is_unverified_and_ends_sessions(
    verified_ada, account, bob, write
):
    epoch = account.auth_epoch

    write(account, **{user_shape().factor: bob.factor})

    assert state(account) == (False, None, epoch + 1)
    assert user_model().objects.get(pk=account.pk).held_value == bob.factor
    assert verified_ada.browser.get("/me").status_code == HTTPStatus.UNAUTHORIZED


@each_way
def test_same_factor_written_again_changes_nothing(verified_ada, account, write):
    before = state(account)

    write(account, **{user_shape().factor: verified_ada.factor})

    assert state(account) == before
    assert verified_ada.browser.get("/me").status_code == HTTPStatus.OK


@each_way
@pytest.mark.needs_claims
def test_removed_factor_is_unverified(account, write):
    epoch = account.auth_epoch

    write(account, **{user_shape().factor: None})
    write(account, **{user_shape().factor: None})

    assert state(account) == (False, None, epoch + 1)


@each_way
def test_written_password_cancels_change_of_verified_account(account, write):
    epoch = account.auth_epoch

    write(account, password=make_password(NEW_PASSWORD))

    assert state(account) == (True, None, epoch)


@each_way
def test_same_password_written_again_keeps_claim(account, write):
    before = state(account)

    write(account, password=account.password)

    assert state(account) == before


@each_way
def test_written_password_keeps_claim_of_unverified_account(account, write):
    flag = {user_shape().verified: False}
    user_model()._base_manager.filter(pk=account.pk).update(**flag)
    account.refresh_from_db()
    _flag, claim, epoch = state(account)

    write(account, password=make_password(NEW_PASSWORD))

    assert state(account) == (False, claim, epoch)


@each_way
def test_written_factor_and_password_are_one_change(account, bob, write):
    epoch = account.auth_epoch

    write(
        account,
        **{"password": make_password(NEW_PASSWORD), user_shape().factor: bob.factor},
    )

    assert state(account) == (False, None, epoch + 1)
    assert user_model().objects.get(pk=account.pk).check_password(NEW_PASSWORD)


@pytest.mark.parametrize("write", [with_update, with_bulk_update, with_save])
def test_written_identifiers_are_normalized(account, bob, write):
    values = {name: bob.typed(name) for name in user_shape().columns}

    write(account, **values)

    user = user_model().objects.get(pk=account.pk)
    stored = {name: str(getattr(user, name)) for name in values}
    assert stored == bob.values


@pytest.mark.parametrize("write", [with_update, with_bulk_update, with_save])
def test_malformed_factor_is_not_written(verified_ada, account, write):
    with pytest.raises(ValidationError) as caught:
        write(account, **{user_shape().factor: "\x00"})

    assert set(caught.value.message_dict) == {user_shape().factor}
    assert verified_ada.account.held_value == verified_ada.factor


def test_update_writes_named_flag_as_given(account, bob):
    """As a data migration does that brings verified values."""
    shape, epoch = user_shape(), account.auth_epoch
    verified = {shape.factor: bob.factor, shape.verified: True}

    user_model().objects.filter(pk=account.pk).update(**verified)

    assert state(account) == (True, None, epoch + 1)


def test_update_by_expression_compares_with_the_row(account):
    """A function of the column that leaves this value, and one that does not."""
    factor, before = user_shape().factor, state(account)
    row = user_model().objects.filter(pk=account.pk)

    row.update(**{factor: Lower(F(factor))})
    same = state(account)
    row.update(**{factor: Concat(F(factor), F(factor))})

    assert same == before
    assert state(account) == (False, None, before[2] + 1)


def test_update_to_the_claim_writes_it_or_is_refused(account):
    """MariaDB and MySQL would read the claim after it was cleared."""
    shape = user_shape()
    claimed = {shape.factor: F(shape.pending)}
    row = user_model().objects.filter(pk=account.pk)
    if connection.vendor == "mysql":
        with pytest.raises(NotSupportedError):
            row.update(**claimed)
        claimed[shape.pending] = None

    row.update(**claimed)

    assert state(account)[:2] == (False, None)
    assert row.get().held_value == "+12125550199"


def test_value_that_collates_equal_is_a_change(verified_ada, account):
    """The default collation of MariaDB and MySQL ignores case and accents."""
    other = lookalike(verified_ada.factor)
    epoch = account.auth_epoch

    user_model().objects.filter(pk=account.pk).update(
        **{user_shape().factor: Value(other)}
    )

    changed = other != verified_ada.factor
    assert state(account)[::2] == (not changed, epoch + changed)


def test_stale_instance_with_new_password_cancels_change(unverified_ada, outbox):
    """The instance is read before the verification, and saved after it."""
    unverified_ada.request("/email/verify-request", unverified_ada.factor)
    stale = unverified_ada.account
    unverified_ada.browser.verify(outbox[-1].token)
    fresh = unverified_ada.account
    claim = {user_shape().pending: "+12125550199"}
    user_model()._base_manager.filter(pk=fresh.pk).update(**claim)

    stale.set_password(NEW_PASSWORD)
    stale.save()

    assert state(stale) == (True, None, fresh.auth_epoch)
    assert stale.pending_value is None


def test_save_updates_flags_of_the_instance(account, bob):
    setattr(account, user_shape().recovery_factor, bob.factor)

    account.save()

    now = user_model().objects.get(pk=account.pk)
    shown = (account.is_recovery_verified, account.pending_value, account.auth_epoch)
    assert shown == (now.is_recovery_verified, now.pending_value, now.auth_epoch)


def test_bulk_update_writes_many_rows(ada, bob, eve):
    people = [ada, bob, eve]
    for person in people:
        person.register()
    users = [person.account for person in people]
    names = [*user_shape().identifiers, "password", user_shape().recovery_factor]
    for user in users:
        user.password = make_password(NEW_PASSWORD)

    written = user_model().objects.bulk_update(users, names, batch_size=2)

    found = user_model().objects.filter(pk__in=[user.pk for user in users])
    assert written == 3
    assert all(user.check_password(NEW_PASSWORD) for user in found)


def test_bulk_create_normalizes_values(bob):
    typed = {name: bob.typed(name) for name in user_shape().columns}

    user_model().objects.bulk_create([user_model()(**typed, password="!")])

    user = user_model().objects.get()
    assert {name: str(getattr(user, name)) for name in typed} == bob.values


def test_bulk_create_over_existing_factor_is_refused(verified_ada, account, bob):
    factor = user_shape().recovery_factor
    account.pk, values = None, {factor: bob.factor}

    with pytest.raises(NotSupportedError, match="bulk_update"):
        user_model().objects.bulk_create(
            [user_model()(**values)],
            update_conflicts=True,
            unique_fields=[user_shape().identifiers[0]],
            update_fields=[factor],
        )

    assert verified_ada.account.is_recovery_verified


@pytest.mark.needs_claims
def test_account_without_value_is_never_verified(ada):
    assert can_claim()
    values = {**ada.values, user_shape().recovery_factor: None}
    flag = {user_shape().verified: True}

    made = user_model().objects.create_user(**values, **flag)
    user_model()._base_manager.filter(pk=made.pk).update(**flag)

    assert not made.is_recovery_verified
    assert not getattr(made, user_shape().verified)
    assert not user_model().objects.get(pk=made.pk).is_recovery_verified
