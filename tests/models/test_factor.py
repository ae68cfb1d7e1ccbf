"""Changes of the recovery factor, and what else an account derives from it."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user
from django.core.exceptions import ValidationError

from crudauth_django.flows import sessions
from crudauth_django.models import AbstractAuthUser
from crudauth_django.users import user_model
from tests.support.client import PASSWORD

pytestmark = pytest.mark.django_db

VALUE = "+12125552368"
OTHER = "+12125552369"


def twice() -> tuple[AbstractAuthUser, AbstractAuthUser]:
    """Read one account two times."""
    return user_model().objects.get(), user_model().objects.get()


def row() -> dict[str, object]:
    return user_model().objects.values().get()


def verified(ada) -> AbstractAuthUser:
    user_model().objects.update(phone_verified=True, phone_pending=None)
    ada.refresh_from_db()
    return ada


@pytest.mark.parametrize("how", [{}, {"update_fields": ["phone"]}], ids=["all", "one"])
def test_changed_factor_is_unverified_and_raises_epoch(ada, how):
    user = verified(ada)
    user.phone = OTHER

    user.save(**how)

    assert (user.auth_epoch, user.phone_verified) == (1, False)
    assert (row()["auth_epoch"], row()["phone_verified"]) == (1, False)
    assert str(row()["phone"]) == OTHER


def test_changed_factor_clears_the_claim(ada):
    user_model().objects.update(phone_pending="+12125550000")
    user = user_model().objects.get()

    user.phone = OTHER
    user.save()

    assert row()["phone_pending"] is None


def test_factor_changed_and_back_raises_epoch_twice(ada):
    user = verified(ada)
    for value in (OTHER, VALUE):
        user.phone = value
        user.save()

    assert (row()["auth_epoch"], row()["phone_verified"]) == (2, False)


def test_instance_with_changed_factor_has_neither_flag_nor_claim(ada):
    user = verified(ada)
    user.phone_pending = "+12125552370"
    user.phone = OTHER

    user.save()

    assert (user.phone_verified, user.phone_pending) == (False, None)


def test_flag_and_epoch_alone_are_written(ada):
    ada.phone_verified, ada.auth_epoch = True, 7

    ada.save()

    assert (row()["phone_verified"], row()["auth_epoch"]) == (True, 7)


def test_stale_change_to_value_of_row_keeps_flag_of_row(ada):
    stale = user_model().objects.get()
    user_model().objects.update(phone=OTHER)
    user_model().objects.update(phone_verified=True)
    before = row()
    stale.phone = OTHER

    stale.save()

    assert (stale.phone_verified, stale.auth_epoch) == (True, before["auth_epoch"])
    assert row() == before


def test_other_form_of_factor_is_no_change(ada):
    user = verified(ada)
    user.phone = "+1 (212) 555-2368"

    user.save()

    assert (row()["auth_epoch"], row()["phone_verified"]) == (0, True)


def test_removed_factor_is_unverified(ada):
    user = verified(ada)
    user.phone = None

    user.save()

    assert (row()["phone"], row()["phone_verified"], row()["auth_epoch"]) == (
        None,
        False,
        1,
    )


def test_factor_changed_by_stale_instances_raises_epoch_twice(ada):
    one, two = twice()
    one.phone, two.phone = OTHER, "+12125552370"

    one.save()
    two.save()

    assert row()["auth_epoch"] == 2


def test_malformed_factor_is_not_saved(ada):
    ada.phone = "what"

    with pytest.raises(ValidationError):
        ada.save()

    assert str(row()["phone"]) == VALUE


def test_full_clean_names_each_malformed_value():
    with pytest.raises(ValidationError) as caught:
        user_model()(username="a@b.example", phone="x", password="y").full_clean()

    assert set(caught.value.message_dict) == {"username", "phone"}


def test_full_clean_normalizes_values():
    bob = user_model()(username=" BOB ", phone="+1 555 123 4567", password="y")

    bob.full_clean()

    assert (bob.username, bob.held_value) == ("bob", "+15551234567")


def test_full_clean_leaves_unchanged_old_value(ada):
    user_model()._base_manager.update(username="Old Name!")
    user = user_model().objects.get()
    user.is_staff = True

    user.full_clean()
    user.save()

    assert row()["username"] == "Old Name!"


def test_session_hash_covers_password_and_epoch(ada):
    before = ada.get_session_auth_hash()

    ada.auth_epoch = 1
    moved = ada.get_session_auth_hash()
    ada.password = "another"

    assert len({before, moved, ada.get_session_auth_hash()}) == 3


def test_session_hash_moves_to_rotated_secret_key(ada, settings, rf):
    from django.contrib.sessions.backends.db import SessionStore

    request = rf.post("/")
    request.session = SessionStore()
    sessions.log_in(request=request, identifier="ada", password=PASSWORD)
    under_the_old = ada.get_session_auth_hash()
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another-key-" + "x" * 50
    assert under_the_old not in ada.get_session_auth_fallback_hash()
    settings.SECRET_KEY_FALLBACKS = ["one that never signed", old]

    assert under_the_old in ada.get_session_auth_fallback_hash()
    assert get_user(request) == ada
    assert request.session["_auth_user_hash"] == ada.get_session_auth_hash()


def test_recovery_value_is_the_claim_until_verified(ada):
    assert ada.recovery_value == VALUE

    ada.phone_pending = OTHER
    assert ada.recovery_value == OTHER
    ada.phone_verified = True
    assert ada.recovery_value == VALUE
