"""Redeemed by the write: one of any number of stale readers changes the row."""

from __future__ import annotations

import base64

import pytest
from django.contrib.sessions.backends.db import SessionStore

from crudauth_django.exceptions import InvalidCredentials, InvalidToken
from crudauth_django.flows import changes, recovery, sessions
from crudauth_django.flows.passwords import change_password
from crudauth_django.identity import passwords
from crudauth_django.security.redemption import CHANGE, RESET, RESET_CLAIM, VERIFY
from crudauth_django.security.tokens import make_token, read_token
from crudauth_django.security.updates import replace_password
from crudauth_django.users import user_model
from tests.support.client import NEW_PASSWORD, PASSWORD
from tests.support.hashers import REPLACING

pytestmark = pytest.mark.django_db

VALUE = "+12125552368"
CLAIMED = "+15551234567"
RECOVERIES = pytest.mark.parametrize(
    "kind",
    [VERIFY, RESET, RESET_CLAIM, CHANGE],
    ids=lambda kind: f"{kind.purpose.kind}-{kind.purpose.code}",
)


@pytest.fixture
def with_claim(ada):
    """An account with a verified number and a claim on another one."""
    user_model().objects.update(phone_verified=True, phone_pending=CLAIMED)
    ada.refresh_from_db()
    return ada


def columns(kind) -> dict[str, str]:
    return {"password": "another"} if kind in {RESET, RESET_CLAIM} else {}


def with_state_for(kind, ada):
    if kind in {CHANGE, RESET_CLAIM}:
        user_model().objects.update(
            phone_verified=kind is CHANGE, phone_pending=CLAIMED
        )
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


@pytest.mark.parametrize(
    "moved",
    [
        {"password": "x"},
        {"auth_epoch": 9},
        {"phone_verified": True},
        {"phone_pending": "+15551234568"},
    ],
    ids=str,
)
def test_reset_of_changed_claim_changes_nothing(ada, moved):
    account = with_state_for(RESET_CLAIM, ada)
    reader = read_token(RESET_CLAIM.purpose, make_token(RESET_CLAIM.purpose, account))
    user_model().objects.update(**moved)
    before = user_model().objects.values().get()

    assert not RESET_CLAIM.update(reader, columns(RESET_CLAIM))
    assert user_model().objects.values().get() == before


def test_verification_after_a_newer_claim_changes_nothing(ada):
    reader = read_token(VERIFY.purpose, make_token(VERIFY.purpose, ada))
    user_model().objects.update(phone_pending=CLAIMED)

    assert not VERIFY.update(reader, {})
    assert user_model().objects.get().phone_pending == CLAIMED


@pytest.mark.parametrize("kind", [VERIFY, CHANGE], ids=lambda kind: kind.purpose.kind)
def test_mark_of_contested_token_is_signed(ada, kind):
    account = with_state_for(kind, ada)
    token = make_token(kind.purpose, account, contested=True)
    raw = bytearray(base64.urlsafe_b64decode(token + "=="))
    raw[0] = kind.purpose.code
    unmarked = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    with pytest.raises(InvalidToken):
        read_token(kind.purpose, unmarked)


def test_contested_token_is_as_long_as_any_other(ada):
    plain = make_token(VERIFY.purpose, ada)
    contested = make_token(VERIFY.purpose, ada, contested=True)

    assert len(contested) == len(plain)
    assert read_token(VERIFY.purpose, contested) == ada


def test_reset_token_can_not_be_marked(ada):
    with pytest.raises(ValueError, match="no mark"):
        make_token(RESET.purpose, ada, contested=True)


def test_stale_instance_cancels_change_of_account_verified_since(ada):
    stale = user_model().objects.get()
    user_model().objects.update(phone_verified=True, phone_pending=CLAIMED)

    replace_password(stale, "another")

    row = user_model().objects.get()
    assert (row.password, row.phone_pending, row.auth_epoch) == ("another", None, 1)


def test_stale_instance_keeps_claim_of_account_unverified_since(with_claim):
    stale = user_model().objects.get()
    user_model().objects.update(phone_verified=False)

    replace_password(stale, "another")

    assert user_model().objects.get().phone_pending == CLAIMED


@pytest.mark.parametrize(("verified", "kept"), [(True, None), (False, CLAIMED)])
def test_stale_instance_ends_sessions_by_state_of_row(
    ada, verified, kept, django_assert_num_queries
):
    stale = user_model().objects.get()
    user_model().objects.update(phone_verified=verified, phone_pending=CLAIMED)

    with django_assert_num_queries(1):
        sessions.end_all_sessions(user=stale)

    row = user_model().objects.get()
    assert (row.phone_pending, row.auth_epoch) == (kept, 1)


def test_new_password_leaves_claim_of_unverified_instance(ada):
    user_model().objects.update(phone_pending=CLAIMED)
    user = user_model().objects.get()

    replace_password(user, "encoded")

    assert (user.pending_value, user.auth_epoch) == (CLAIMED, 1)
    assert user_model().objects.get().pending_value == CLAIMED


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
