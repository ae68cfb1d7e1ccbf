"""Redeemed by the write: one of any number of stale readers changes the row."""

from __future__ import annotations

import pytest
from django.contrib.sessions.backends.db import SessionStore

from crudauth_django.exceptions import InvalidCredentials, InvalidToken
from crudauth_django.flows import changes, recovery, sessions
from crudauth_django.flows.passwords import change_password
from crudauth_django.identity import passwords
from crudauth_django.security.redemption import CHANGE, RESET, VERIFY
from crudauth_django.security.tokens import make_token, read_token
from crudauth_django.users import user_model
from tests.support.client import NEW_PASSWORD, PASSWORD
from tests.support.hashers import REPLACING

pytestmark = pytest.mark.django_db

VALUE = "+12125552368"
CLAIMED = "+15551234567"
RECOVERIES = pytest.mark.parametrize(
    "kind", [VERIFY, RESET, CHANGE], ids=lambda kind: kind.purpose.kind
)


@pytest.fixture
def with_claim(ada):
    """An account with a verified number and a claim on another one."""
    user_model().objects.update(phone_verified=True, phone_pending=CLAIMED)
    ada.refresh_from_db()
    return ada


def columns(kind) -> dict[str, str]:
    return {"password": "another"} if kind is RESET else {}


def with_state_for(kind, ada):
    if kind is CHANGE:
        user_model().objects.update(phone_verified=True, phone_pending=CLAIMED)
        ada.refresh_from_db()
    return ada


@RECOVERIES
def test_one_of_two_stale_readers_redeems_the_token(ada, kind):
    token = make_token(kind.purpose, with_state_for(kind, ada))
    first, second = read_token(kind.purpose, token), read_token(kind.purpose, token)

    redeemed = [kind.update(first, columns(kind)), kind.update(second, columns(kind))]

    assert redeemed == [True, False]
    with pytest.raises(InvalidToken):
        read_token(kind.purpose, token)


@RECOVERIES
def test_one_of_two_tokens_of_one_purpose_is_redeemed(ada, kind):
    account = with_state_for(kind, ada)
    tokens = [make_token(kind.purpose, account) for _ in range(2)]
    readers = [read_token(kind.purpose, token) for token in tokens]

    redeemed = [kind.update(reader, columns(kind)) for reader in readers]

    assert redeemed == [True, False]


@RECOVERIES
def test_token_of_account_closed_meanwhile_changes_nothing(ada, kind):
    token = make_token(kind.purpose, with_state_for(kind, ada))
    reader = read_token(kind.purpose, token)
    user_model().objects.update(is_active=False)
    before = user_model().objects.values().get()

    assert not kind.update(reader, columns(kind))
    assert user_model().objects.values().get() == before


@RECOVERIES
def test_token_of_account_deleted_meanwhile_changes_nothing(ada, kind):
    token = make_token(kind.purpose, with_state_for(kind, ada))
    reader = read_token(kind.purpose, token)
    ada.delete()

    assert not kind.update(reader, columns(kind))
    assert not user_model().objects.exists()


@pytest.mark.parametrize("moved", [{"password": "x"}, {"auth_epoch": 9}], ids=str)
def test_reset_of_changed_state_changes_nothing(ada, moved):
    reader = read_token(RESET.purpose, make_token(RESET.purpose, ada))
    user_model().objects.update(**moved)
    before = user_model().objects.values().get()

    assert not RESET.update(reader, columns(RESET))
    assert user_model().objects.values().get() == before


def test_redeem_updates_the_instance_too(ada):
    encoded = passwords.make_password(NEW_PASSWORD)

    assert RESET.update(ada, {"password": encoded})

    assert ada.password == encoded
    assert ada.auth_epoch == 1
    assert ada.is_recovery_verified
    ada.save()
    assert user_model().objects.get().auth_epoch == 1


def test_change_stores_new_value_and_voids_older_tokens(with_claim):
    older = make_token(RESET.purpose, with_claim)

    changes.confirm_change(token=make_token(CHANGE.purpose, with_claim))

    with_claim.refresh_from_db()
    assert (with_claim.held_value, with_claim.pending_value) == (CLAIMED, None)
    assert with_claim.is_recovery_verified
    with pytest.raises(InvalidToken):
        read_token(RESET.purpose, older)


def test_reset_overtaken_while_hashing_raises(ada, settings):
    token = make_token(RESET.purpose, ada)
    # No lock is held while a password is hashed.
    settings.PASSWORD_HASHERS = [REPLACING]

    with pytest.raises(InvalidToken, match="meanwhile"):
        recovery.confirm_reset(token=token, new_password=NEW_PASSWORD)

    assert user_model().objects.get().password == "another"


def test_one_of_two_stale_password_changes_succeeds(ada, rf):
    request = rf.post("/")
    request.session = SessionStore()
    sessions.log_in(request=request, identifier="ada", password=PASSWORD)
    first, second = user_model().objects.get(), user_model().objects.get()
    request.user = first
    change_password(
        request=request,
        user=first,
        current_password=PASSWORD,
        new_password=NEW_PASSWORD,
    )

    with pytest.raises(InvalidCredentials):
        change_password(
            request=request,
            user=second,
            current_password=PASSWORD,
            new_password="yet another staple",
        )

    assert user_model().objects.get().check_password(NEW_PASSWORD)
