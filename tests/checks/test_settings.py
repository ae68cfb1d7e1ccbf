"""The checks of the package's own settings."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rest_framework import serializers

from crudauth_django.checks.settings import (
    check_limits,
    check_links,
    check_proxies,
    check_registration,
    check_serializers,
    check_settings,
    check_throttles,
    check_times,
)
from crudauth_django.conf.readers import THROTTLES
from tests.support.checks import ids
from tests.support.temporary import declared

OWN = f"{__name__}."
HOUR = timedelta(hours=1)
NOT_A_SERIALIZER = object()


class ForeignSerializer(serializers.Serializer):
    pass


def test_unknown_setting_is_e020(settings):
    settings.CRUDAUTH_CHANELS = []

    (message,) = check_settings()
    assert message.id == "crudauth.E020"
    assert message.hint.startswith("Did you mean CRUDAUTH_CHANNELS? ")


def test_unknown_setting_like_no_other_gets_no_suggestion(settings):
    settings.CRUDAUTH_Q = []

    (message,) = check_settings()
    assert message.hint.startswith("The settings are: CRUDAUTH_")


@pytest.mark.parametrize(
    ("throttles", "expected"),
    [
        ({}, []),
        (dict.fromkeys(THROTTLES), ["W032"]),
        ({**dict.fromkeys(THROTTLES), "register": "30/h"}, []),
        ("malformed", []),
    ],
)
def test_throttles_all_off_are_w032_in_production(settings, throttles, expected):
    settings.CRUDAUTH_THROTTLES = throttles

    assert ids(check_throttles) == expected


def test_unwritten_number_of_proxies_is_w031_in_production(settings):
    assert ids(check_proxies) == ["W031"]

    settings.CRUDAUTH_TRUSTED_PROXIES = 0

    assert ids(check_proxies) == []


def test_malformed_setting_is_e021(settings):
    settings.CRUDAUTH_TARGET_BUDGET = "often"

    assert ids(check_settings) == ["E021"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("CRUDAUTH_REGISTER_EXTRA_FIELDS", ["last_login"], ["E025"]),
        ("CRUDAUTH_REGISTER_EXTRA_FIELDS", ["is_superuser"], ["E025"]),
        ("CRUDAUTH_REGISTER_EXTRA_FIELDS", ["phone_verified"], ["E025"]),
        ("CRUDAUTH_REGISTER_EXTRA_FIELDS", ["phone_pending"], ["E025"]),
        ("CRUDAUTH_REGISTER_EXTRA_FIELDS", ["bio"], ["E026"]),
        ("CRUDAUTH_REGISTER_EXTRA_FIELDS", ["username"], []),
        ("CRUDAUTH_REGISTER_EXTRA_FIELDS", "malformed", []),
        ("CRUDAUTH_REGISTER_SERIALIZER", "no.such.Serializer", ["E024"]),
        ("CRUDAUTH_REGISTER_SERIALIZER", "os.path.join", ["E031"]),
        ("CRUDAUTH_REGISTER_SERIALIZER", OWN + "timedelta", ["E031"]),
        ("CRUDAUTH_REGISTER_SERIALIZER", OWN + "ForeignSerializer", []),
        ("CRUDAUTH_ACCOUNT_SERIALIZER", "no.such.Serializer", ["E024"]),
        ("CRUDAUTH_ACCOUNT_SERIALIZER", "AccountSerializer", ["E024"]),
        ("CRUDAUTH_ACCOUNT_SERIALIZER", "os.path.join", ["E031"]),
        ("CRUDAUTH_ACCOUNT_SERIALIZER", OWN + "Missing", ["E024"]),
        ("CRUDAUTH_ACCOUNT_SERIALIZER", OWN + "NOT_A_SERIALIZER", ["E031"]),
        ("CRUDAUTH_ACCOUNT_SERIALIZER", OWN + "timedelta", ["E031"]),
        ("CRUDAUTH_ACCOUNT_SERIALIZER", OWN + "ForeignSerializer", []),
    ],
)
def test_broken_registration_setting_is_an_error(settings, name, value, expected):
    setattr(settings, name, value)

    assert [*ids(check_registration), *ids(check_serializers)] == expected
    assert all(name in problem.msg for problem in check_serializers())


def test_protected_extra_field_without_factor_is_e025(settings):
    settings.CRUDAUTH_REGISTER_EXTRA_FIELDS = ["auth_epoch"]
    with declared(RECOVERY_FACTOR=None):
        assert ids(check_registration) == ["E025"]


@pytest.mark.parametrize("name", ["CRUDAUTH_LOCKOUT", "CRUDAUTH_TARGET_BUDGET"])
def test_limit_of_none_is_w012_in_production(settings, name):
    assert ids(check_limits) == []

    setattr(settings, name, None)

    assert ids(check_limits) == ["W012"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("CRUDAUTH_LOCKOUT", None, []),
        ("CRUDAUTH_LOCKOUT", "malformed", []),
        ("CRUDAUTH_LOCKOUT", {"BASE": HOUR, "MAX": HOUR, "MEMORY": HOUR}, []),
        ("CRUDAUTH_LOCKOUT", {"BASE": 2 * HOUR}, ["E032"]),
        ("CRUDAUTH_LOCKOUT", {"MAX": HOUR / 3600}, ["E032"]),
        ("CRUDAUTH_LOCKOUT", {"MEMORY": HOUR / 2}, ["E032"]),
        ("CRUDAUTH_LOCKOUT", {"BASE": 3 * HOUR, "MEMORY": HOUR / 2}, ["E032"] * 2),
        ("CRUDAUTH_RETRY", {"BASE": HOUR, "MAX": HOUR}, []),
        ("CRUDAUTH_RETRY", {"BASE": 5 * HOUR}, ["E032"]),
    ],
)
def test_contradictory_times_are_e032(settings, name, value, expected):
    setattr(settings, name, value)

    assert ids(check_times) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://app.example.com", []),
        ("http://localhost:3000", []),
        ("http://127.0.0.1:3000", []),
        ("http://[::1]:3000", []),
        ("", []),
        ("malformed", []),
        ("http://app.example.com", ["W013"]),
        ("http://192.168.1.2", ["W013"]),
        ({"reset_password": "HTTP://app.example.com/r"}, ["W013"]),
    ],
)
def test_link_without_tls_is_w013_in_production(settings, address, expected):
    settings.CRUDAUTH_FRONTEND_URL = address

    assert ids(check_links) == expected
