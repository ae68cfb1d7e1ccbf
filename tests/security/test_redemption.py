"""Spent by the write: of any number of stale readers, one wins."""

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
from tests.support.hashers import OVERTAKING

pytestmark = pytest.mark.django_db

VALUE = "+12125552368"
CLAIMED = "+15551234567"
RECOVERIES = pytest.mark.parametrize(
    "kind", [VERIFY, RESET, CHANGE], ids=lambda kind: kind.purpose.kind
)


@pytest.fixture
def claiming(ada):
    """An account that has proven one number and claims another."""
    user_model().objects.update(phone_verified=True, phone_pending=CLAIMED)
    ada.refresh_from_db()
    return ada


def columns(kind) -> dict[str, str]:
    return {"password": "another"} if kind is RESET else {}


def ready(kind, ada):
    if kind is CHANGE:
        user_model().objects.update(phone_verified=True, phone_pending=CLAIMED)
        ada.refresh_from_db()
    return ada


@RECOVERIES
def test_of_two_stale_readers_of_one_token_one_wins(ada, kind):
    token = make_token(kind.purpose, ready(kind, ada))
    first, second = read_token(kind.purpose, token), read_token(kind.purpose, token)

    wins = [kind.update(first, columns(kind)), kind.update(second, columns(kind))]

    assert wins == [True, False]
    with pytest.raises(InvalidToken):
        read_token(kind.purpose, token)


@RECOVERIES
def test_of_two_tokens_of_one_purpose_one_is_spent(ada, kind):
    account = ready(kind, ada)
    tokens = [make_token(kind.purpose, account) for _ in range(2)]
    readers = [read_token(kind.purpose, token) for token in tokens]

    wins = [kind.update(reader, columns(kind)) for reader in readers]

    assert wins == [True, False]


@RECOVERIES
def test_a_token_is_not_spent_on_an_account_that_was_closed_meanwhile(ada, kind):
    token = make_token(kind.purpose, ready(kind, ada))
    reader = read_token(kind.purpose, token)
    user_model().objects.update(is_active=False)
    before = user_model().objects.values().get()

    assert not kind.update(reader, columns(kind))
    assert user_model().objects.values().get() == before


@RECOVERIES
def test_a_token_is_not_spent_on_an_account_that_was_deleted_meanwhile(ada, kind):
    token = make_token(kind.purpose, ready(kind, ada))
    reader = read_token(kind.purpose, token)
    ada.delete()

    assert not kind.update(reader, columns(kind))
    assert not user_model().objects.exists()


@pytest.mark.parametrize("moved", [{"password": "x"}, {"auth_epoch": 9}], ids=str)
def test_a_reset_is_not_spent_on_a_state_that_moved_meanwhile(ada, moved):
    reader = read_token(RESET.purpose, make_token(RESET.purpose, ada))
    user_model().objects.update(**moved)
    before = user_model().objects.values().get()

    assert not RESET.update(reader, columns(RESET))
    assert user_model().objects.values().get() == before


def test_the_winner_shows_what_it_wrote(ada):
    encoded = passwords.make_password(NEW_PASSWORD)

    assert RESET.update(ada, {"password": encoded})

    assert ada.password == encoded
    assert ada.auth_epoch == 1
    assert ada.is_recovery_verified
    ada.save()
    assert user_model().objects.get().auth_epoch == 1


def test_a_change_moves_the_value_and_kills_every_older_token(claiming):
    older = make_token(RESET.purpose, claiming)

    changes.confirm_change(token=make_token(CHANGE.purpose, claiming))

    claiming.refresh_from_db()
    assert (claiming.held_value, claiming.pending_value) == (CLAIMED, None)
    assert claiming.is_recovery_verified
    with pytest.raises(InvalidToken):
        read_token(RESET.purpose, older)


def test_a_reset_that_another_one_overtakes_raises(ada, settings):
    token = make_token(RESET.purpose, ada)
    # No lock is held while a password is hashed.
    settings.PASSWORD_HASHERS = [OVERTAKING]

    with pytest.raises(InvalidToken, match="meanwhile"):
        recovery.confirm_reset(token=token, new_password=NEW_PASSWORD)

    assert user_model().objects.get().password == "another"


def test_of_two_changes_of_the_password_by_stale_readers_one_wins(ada, rf):
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
