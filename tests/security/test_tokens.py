"""Tokens: short, signed, and bound to the state that they act on."""

from __future__ import annotations

import base64
import logging
import uuid
from copy import deepcopy
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.db import models
from hypothesis import given
from hypothesis import strategies as st

from crudauth_django.exceptions import InvalidToken
from crudauth_django.security.redemption import (
    CHANGE,
    RECOVERIES,
    RESET,
    RESET_CLAIM,
    VERIFY,
)
from crudauth_django.security.tokens import MAX_LENGTH, Purpose, make_token, read_token
from crudauth_django.users import user_model
from tests.support.temporary import declared, installed, retract

pytestmark = pytest.mark.django_db

ONE_SEGMENT = 160
PURPOSES = [recovery.purpose for recovery in RECOVERIES.values()]
BY_NAME = {"argvalues": PURPOSES, "ids": [purpose.kind for purpose in PURPOSES]}


def tampered(token: str, *, at: int) -> str:
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    raw[at] ^= 1
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize("purpose", **BY_NAME)
def test_token_identifies_the_account(ada, purpose):
    token = make_token(purpose, ada)

    assert read_token(purpose, token) == ada


def test_reading_leaves_token_valid(ada):
    token = make_token(RESET.purpose, ada)

    read_token(RESET.purpose, token)

    assert read_token(RESET.purpose, token) == ada


def test_codes_of_outstanding_tokens_do_not_change():
    recoveries = [VERIFY, RESET, RESET_CLAIM, CHANGE]

    codes = [(r.purpose.code, r.purpose.contested_code) for r in recoveries]

    assert codes == [(1, 4), (2, None), (6, None), (3, 5)]


@pytest.mark.parametrize(("key", "size"), [(0, 1), (1, 1), (255, 1), (256, 2)])
def test_integer_key_has_no_leading_zeros(ada, key, size):
    ada.pk = key

    token = make_token(RESET.purpose, ada)

    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert raw[21:] == key.to_bytes(size, "big")


@pytest.mark.parametrize("key", [1, 255, 256, 2**31, 2**63 - 1])
def test_token_of_integer_key_is_shorter_than_48_characters(ada, key):
    ada.pk = key

    assert len(make_token(RESET.purpose, ada)) < 48


def test_reset_link_of_uuid_key_fits_one_sms_segment(ada):
    ada.pk = uuid.uuid4()

    token = make_token(RESET.purpose, ada)
    text = f"Reset your password: https://app.example.com/recover?token={token}"

    assert len(token) < 64
    assert len(text) <= ONE_SEGMENT
    assert text.isascii()


@pytest.mark.parametrize("purpose", **BY_NAME)
def test_token_of_another_purpose_is_invalid(ada, purpose):
    token = make_token(purpose, ada)

    for other in PURPOSES:
        if other is not purpose:
            with pytest.raises(InvalidToken):
                read_token(other, token)


def test_token_relabelled_for_another_purpose_is_invalid(ada):
    raw = bytearray(base64.urlsafe_b64decode(make_token(VERIFY.purpose, ada) + "=="))
    raw[0] = RESET.purpose.code
    relabelled = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    with pytest.raises(InvalidToken):
        read_token(RESET.purpose, relabelled)


@pytest.mark.parametrize("at", range(22))
def test_token_with_a_changed_byte_is_invalid(ada, at):
    token = tampered(make_token(RESET.purpose, ada), at=at)

    with pytest.raises(InvalidToken):
        read_token(RESET.purpose, token)


def test_token_has_one_encoding(ada):
    token = make_token(RESET.purpose, ada)
    last = token[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    others = [token[:-1] + letter for letter in alphabet if letter != last]
    others += [token + "=", token + "\n", " " + token, token + "A", f"{token}=="]

    for other in others:
        with pytest.raises(InvalidToken):
            read_token(RESET.purpose, other)


@pytest.mark.parametrize(
    "text",
    ["", "A", "é" * 30, "\0" * 30, "not a token!", "A" * 28, "A" * (MAX_LENGTH + 1)],
)
def test_malformed_token_is_invalid(text):
    with pytest.raises(InvalidToken):
        read_token(RESET.purpose, text)


@given(text=st.text(max_size=MAX_LENGTH + 5))
def test_any_text_is_invalid(text):
    with pytest.raises(InvalidToken):
        read_token(RESET.purpose, text)


@given(raw=st.binary(min_size=17, max_size=60))
def test_any_bytes_are_invalid(raw):
    body = bytes([RESET.purpose.code]) + (2**31).to_bytes(4, "big") + raw
    token = base64.urlsafe_b64encode(body).rstrip(b"=").decode()

    with time_machine.travel(2**31), pytest.raises(InvalidToken):
        read_token(RESET.purpose, token)


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("verify_recovery", "CRUDAUTH_VERIFY_MAX_AGE"),
        ("reset_password", "CRUDAUTH_RESET_MAX_AGE"),
        ("change_recovery", "CRUDAUTH_CHANGE_MAX_AGE"),
    ],
)
def test_each_purpose_has_a_lifetime_setting(ada, settings, name, setting):
    setattr(settings, setting, timedelta(minutes=7))
    purpose = RECOVERIES[name].purpose
    with time_machine.travel(1_800_000_000, tick=False):
        token = make_token(purpose, ada)

    with time_machine.travel(1_800_000_000 + 7 * 60, tick=False):
        assert read_token(purpose, token) == ada
    with (
        time_machine.travel(1_800_000_000 + 7 * 60 + 1, tick=False),
        pytest.raises(InvalidToken, match="expired"),
    ):
        read_token(purpose, token)


def test_token_from_clock_one_minute_ahead_is_valid(ada):
    with time_machine.travel(1_800_000_060, tick=False):
        token = make_token(RESET.purpose, ada)

    with time_machine.travel(1_800_000_000, tick=False):
        assert read_token(RESET.purpose, token) == ada
    with (
        time_machine.travel(1_799_999_999, tick=False),
        pytest.raises(InvalidToken, match="expired"),
    ):
        read_token(RESET.purpose, token)


def changed(ada, **columns):
    user_model().objects.filter(pk=ada.pk).update(**columns)


@pytest.mark.parametrize(
    "columns",
    [{"password": "another"}, {"phone": "+12125552369"}, {"auth_epoch": 1}],
    ids=["password", "value", "epoch"],
)
def test_reset_token_is_void_after_state_change(ada, columns):
    token = make_token(RESET.purpose, ada)

    changed(ada, **columns)

    with pytest.raises(InvalidToken, match="state"):
        read_token(RESET.purpose, token)


@pytest.mark.parametrize(
    "columns",
    [{"phone_verified": True}, {"phone": "+12125552369"}],
    ids=["verified", "value"],
)
def test_verification_token_is_void_after_state_change(ada, columns):
    token = make_token(VERIFY.purpose, ada)

    changed(ada, **columns)

    with pytest.raises(InvalidToken, match="state"):
        read_token(VERIFY.purpose, token)


@pytest.mark.parametrize(
    "columns",
    [
        {"password": "another"},
        {"phone": "+12125552369"},
        {"phone_verified": False},
        {"phone_pending": "+12125552369"},
        {"auth_epoch": 1},
    ],
    ids=["password", "value", "verified", "pending", "epoch"],
)
def test_change_token_is_void_after_state_change(ada, columns):
    changed(ada, phone_verified=True)
    ada.refresh_from_db()
    token = make_token(CHANGE.purpose, ada)

    changed(ada, **columns)

    with pytest.raises(InvalidToken, match="state"):
        read_token(CHANGE.purpose, token)


def test_token_survives_changes_of_other_fields(ada):
    token = make_token(RESET.purpose, ada)

    changed(ada, is_staff=True, phone_verified=True, username="lovelace")

    assert read_token(RESET.purpose, token) == ada


@pytest.mark.parametrize("purpose", **BY_NAME)
def test_token_of_inactive_account_is_invalid(ada, purpose):
    token = make_token(purpose, ada)

    changed(ada, is_active=False)

    with pytest.raises(InvalidToken):
        read_token(purpose, token)


def test_token_of_deleted_account_is_invalid(ada):
    token = make_token(RESET.purpose, ada)

    ada.delete()

    with pytest.raises(InvalidToken):
        read_token(RESET.purpose, token)


@pytest.mark.parametrize("purpose", **BY_NAME)
def test_token_is_valid_until_fallback_key_is_removed(ada, settings, purpose):
    token = make_token(purpose, ada)
    old = settings.SECRET_KEY

    settings.SECRET_KEY = "another-key-" + "x" * 50
    settings.SECRET_KEY_FALLBACKS = ["one that never signed", old]
    assert read_token(purpose, token) == ada
    settings.SECRET_KEY_FALLBACKS = []

    with pytest.raises(InvalidToken):
        read_token(purpose, token)


def test_token_contains_key_and_no_state(ada):
    raw = base64.urlsafe_b64decode(make_token(RESET.purpose, ada) + "==")

    assert len(raw) == 1 + 4 + 16 + 1
    assert raw[21] == ada.pk


def test_reason_is_logged_at_debug_without_token(ada, caplog):
    caplog.set_level(logging.DEBUG, "crudauth_django")
    token = tampered(make_token(RESET.purpose, ada), at=10)

    with pytest.raises(InvalidToken):
        read_token(RESET.purpose, token)

    assert [record.levelname for record in caplog.records] == ["DEBUG"]
    assert "reset_password" in caplog.text
    assert token not in caplog.text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "field",
    [
        models.UUIDField(primary_key=True, default=uuid.uuid4),
        models.CharField(primary_key=True, max_length=129, default="k" * 129),
        models.IntegerField(primary_key=True, default=70_000),
    ],
    ids=["uuid", "text", "number"],
)
def test_primary_key_of_any_type_is_read_back(field):
    with installed(key=field, RECOVERY_FACTOR=None) as model:
        bob = model.objects.create_user(username="bob", password="x")

        token = make_token(purpose_of_password(), bob)

        assert len(token) <= MAX_LENGTH
        assert read_token(purpose_of_password(), token) == bob


@pytest.mark.django_db(transaction=True)
def test_primary_key_of_a_relation_is_read_back(db):
    group_key = models.OneToOneField(
        "auth.Group", models.CASCADE, primary_key=True, related_name="+"
    )
    with installed(key=group_key, RECOVERY_FACTOR=None) as model:
        group = Group.objects.create(name="one")
        bob = model.objects.create_user(key=group, username="bob", password="x")

        token = make_token(purpose_of_password(), bob)

        assert read_token(purpose_of_password(), token).pk == group.pk


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("field", "raw"),
    [
        (models.UUIDField(primary_key=True), b"short"),
        (models.CharField(primary_key=True, max_length=5), b"\xff\xfe"),
        (models.CharField(primary_key=True, max_length=5), b"too long"),
        (models.IntegerField(primary_key=True), b"\0\1"),
        (models.IntegerField(primary_key=True), b"\xff" * 9),
    ],
    ids=["uuid", "no text", "text too long", "leading zero", "number too large"],
)
def test_token_with_impossible_key_is_malformed(field, raw):
    body = bytes([200]) + (1_800_000_000).to_bytes(4, "big") + b"m" * 16 + raw
    token = base64.urlsafe_b64encode(body).rstrip(b"=").decode()

    with (
        installed(key=field, RECOVERY_FACTOR=None),
        time_machine.travel(1_800_000_000),
        pytest.raises(InvalidToken, match="malformed"),
    ):
        read_token(purpose_of_password(), token)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("purpose", **BY_NAME)
@pytest.mark.parametrize("changed", [None, "neo@example.com"])
def test_token_of_a_former_shape_is_invalid(purpose, changed):
    columns = {
        "phone": models.CharField(max_length=20, unique=True, null=True),
        "phone_verified": models.BooleanField(default=False),
        "phone_pending": models.CharField(max_length=20, null=True),
        "email": models.EmailField(unique=True, null=True),
        "email_verified": models.BooleanField(default=False),
        "email_pending": models.EmailField(null=True),
    }
    with installed(RECOVERY_FACTOR="phone", **deepcopy(columns)) as model:
        neo = model.objects.create_user(
            username="neo", phone="a", phone_pending="b", email=changed
        )
        token = make_token(purpose, neo)
        before = read_token(purpose, token)
        # Then a deployment, after which the same rows recover by email.
        retract()

        with (
            declared(RECOVERY_FACTOR="email", **deepcopy(columns)),
            pytest.raises(InvalidToken, match="the state has changed"),
        ):
            read_token(purpose, token)

    assert before == neo


def purpose_of_password():
    return Purpose(
        kind="bound_to_the_password",
        code=200,
        max_age=lambda: timedelta(hours=1),
        state=lambda user: (user.password,),
    )
