"""Every ``CRUDAUTH_*`` setting: valid, malformed and overridden."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from crudauth_django.channels.base import get_channels
from crudauth_django.conf.readers import parse_rate
from crudauth_django.conf.settings import get_settings, parse_setting, setting_names
from crudauth_django.conf.types import Backend, Lockout, Rate, Retry
from crudauth_django.counters import get_counters
from crudauth_django.dispatch.base import get_dispatcher

LOCMEM = "crudauth_django.channels.locmem.LocMemChannel"


def new_user_fields(**_values):
    return {}


def parsed(name, value):
    with override_settings(**{name: value}):
        return getattr(get_settings(), name.removeprefix("CRUDAUTH_").lower())


def default(name):
    with override_settings():
        if name in dir(django_settings):
            delattr(django_settings, name)
        return parse_setting(name)


def test_defaults_are_those_of_the_documentation():
    documented = {
        "CRUDAUTH_CHANNELS": (),
        "CRUDAUTH_FRONTEND_URL": {},
        "CRUDAUTH_DISPATCHER": Backend(
            path="crudauth_django.dispatch.ThreadDispatcher"
        ),
        "CRUDAUTH_COUNTERS": Backend(path="crudauth_django.counters.DatabaseCounters"),
        "CRUDAUTH_VERIFY_MAX_AGE": timedelta(hours=24),
        "CRUDAUTH_RESET_MAX_AGE": timedelta(hours=1),
        "CRUDAUTH_CHANGE_MAX_AGE": timedelta(hours=24),
        "CRUDAUTH_LOGIN_REQUIRES_VERIFIED": None,
        "CRUDAUTH_LOCKOUT": Lockout(
            attempts=5,
            network_attempts=50,
            window=timedelta(minutes=15),
            base=timedelta(seconds=60),
            max=timedelta(hours=1),
            memory=timedelta(hours=24),
            long_attempts=100,
            long_window=timedelta(days=30),
        ),
        "CRUDAUTH_THROTTLES": {
            "register": (Rate(count=30, period=3600),),
            "login": (Rate(count=300, period=3600),),
            "verify_request": (Rate(count=30, period=3600),),
            "reset_request": (Rate(count=30, period=3600),),
            "change_request": (Rate(count=30, period=3600),),
            "change_password": (Rate(count=10, period=3600),),
        },
        "CRUDAUTH_TARGET_BUDGET": (
            Rate(count=5, period=900),
            Rate(count=10, period=86400),
        ),
        "CRUDAUTH_NOTICE_BUDGET": (
            Rate(count=5, period=900),
            Rate(count=20, period=86400),
        ),
        "CRUDAUTH_RETRY": Retry(
            tries=10,
            base=timedelta(seconds=5),
            max=timedelta(hours=4),
            lease=timedelta(minutes=5),
        ),
        "CRUDAUTH_TRUSTED_PROXIES": 0,
        "CRUDAUTH_REGISTRATION_OPEN": True,
        "CRUDAUTH_REGISTER_SERIALIZER": (
            "crudauth_django.api.serializers.RegisterSerializer"
        ),
        "CRUDAUTH_ACCOUNT_SERIALIZER": (
            "crudauth_django.api.serializers.AccountSerializer"
        ),
        "CRUDAUTH_REGISTER_EXTRA_FIELDS": (),
        "CRUDAUTH_NEW_USER_FIELDS": None,
    }

    assert {name: default(name) for name in documented} == documented
    assert set(documented) <= set(setting_names())


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("CRUDAUTH_CHANNELS", [LOCMEM], (Backend(path=LOCMEM),)),
        (
            "CRUDAUTH_CHANNELS",
            ({"BACKEND": LOCMEM, "OPTIONS": {"factors": ["phone"]}},),
            (Backend(path=LOCMEM, options={"factors": ["phone"]}),),
        ),
        ("CRUDAUTH_CHANNELS", [{"BACKEND": LOCMEM}], (Backend(path=LOCMEM),)),
        (
            "CRUDAUTH_FRONTEND_URL",
            "https://app.example.com/",
            {
                "verify_recovery": "https://app.example.com/verify",
                "reset_password": "https://app.example.com/reset",
                "change_recovery": "https://app.example.com/change",
            },
        ),
        (
            "CRUDAUTH_FRONTEND_URL",
            {"reset_password": "https://app.example.com/recover?lang=en"},
            {"reset_password": "https://app.example.com/recover?lang=en"},
        ),
        (
            "CRUDAUTH_FRONTEND_URL",
            {"reset_password": "https://app.example.com/reset/{token}"},
            {"reset_password": "https://app.example.com/reset/{token}"},
        ),
        ("CRUDAUTH_DISPATCHER", {"BACKEND": "a.B"}, Backend(path="a.B")),
        ("CRUDAUTH_VERIFY_MAX_AGE", timedelta(1), timedelta(1)),
        ("CRUDAUTH_LOGIN_REQUIRES_VERIFIED", True, True),
        ("CRUDAUTH_LOCKOUT", None, None),
        (
            "CRUDAUTH_LOCKOUT",
            {"ATTEMPTS": 3, "BASE": timedelta(seconds=5)},
            Lockout(attempts=3, base=timedelta(seconds=5)),
        ),
        ("CRUDAUTH_TARGET_BUDGET", None, ()),
        ("CRUDAUTH_TARGET_BUDGET", "3/2h", (Rate(count=3, period=7200),)),
        ("CRUDAUTH_TRUSTED_PROXIES", 2, 2),
        ("CRUDAUTH_REGISTRATION_OPEN", False, False),
        ("CRUDAUTH_REGISTER_EXTRA_FIELDS", {"b", "a"}, ("a", "b")),
        ("CRUDAUTH_REGISTER_EXTRA_FIELDS", ["b", "a"], ("b", "a")),
        ("CRUDAUTH_NEW_USER_FIELDS", new_user_fields, new_user_fields),
        (
            "CRUDAUTH_NEW_USER_FIELDS",
            f"{__name__}.new_user_fields",
            new_user_fields,
        ),
    ],
)
def test_setting_is_read_as_documented(name, value, expected):
    assert parsed(name, value) == expected


def test_throttles_merge_with_the_defaults():
    throttles = parsed("CRUDAUTH_THROTTLES", {"register": None, "reset_request": "1/s"})

    assert throttles["register"] == ()
    assert throttles["reset_request"] == (Rate(count=1, period=1),)
    assert throttles["change_password"] == (Rate(count=10, period=3600),)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CRUDAUTH_CHANNELS", LOCMEM),
        ("CRUDAUTH_CHANNELS", None),
        ("CRUDAUTH_CHANNELS", [""]),
        ("CRUDAUTH_CHANNELS", [None]),
        ("CRUDAUTH_CHANNELS", [{"OPTIONS": {}}]),
        ("CRUDAUTH_CHANNELS", [{"BACKEND": LOCMEM, "OPTIONS": []}]),
        ("CRUDAUTH_CHANNELS", [{"BACKEND": LOCMEM, "OPTION": {}}]),
        ("CRUDAUTH_FRONTEND_URL", None),
        ("CRUDAUTH_FRONTEND_URL", "app.example.com"),
        ("CRUDAUTH_FRONTEND_URL", "//app.example.com"),
        ("CRUDAUTH_FRONTEND_URL", "app://example.com"),
        ("CRUDAUTH_FRONTEND_URL", "javascript://app.example.com/%0Aalert(1)"),
        ("CRUDAUTH_FRONTEND_URL", {"reset_password": "ftp://app.example.com/r"}),
        ("CRUDAUTH_FRONTEND_URL", {"reset": "https://app.example.com"}),
        ("CRUDAUTH_FRONTEND_URL", {"reset_password": "/reset"}),
        ("CRUDAUTH_FRONTEND_URL", {"reset_password": None}),
        ("CRUDAUTH_FRONTEND_URL", {"reset_password": "https://a.example/{tokn}"}),
        ("CRUDAUTH_FRONTEND_URL", {"reset_password": "https://a.example/{token"}),
        ("CRUDAUTH_FRONTEND_URL", "https://a.example/{kind}"),
        ("CRUDAUTH_DISPATCHER", None),
        ("CRUDAUTH_COUNTERS", 5),
        ("CRUDAUTH_VERIFY_MAX_AGE", 3600),
        ("CRUDAUTH_RESET_MAX_AGE", timedelta(0)),
        ("CRUDAUTH_CHANGE_MAX_AGE", timedelta(-1)),
        ("CRUDAUTH_LOGIN_REQUIRES_VERIFIED", "no"),
        ("CRUDAUTH_LOCKOUT", 5),
        ("CRUDAUTH_LOCKOUT", {"attempts": 5}),
        ("CRUDAUTH_LOCKOUT", {"TRIES": 5}),
        ("CRUDAUTH_LOCKOUT", {"ATTEMPTS": 0}),
        ("CRUDAUTH_LOCKOUT", {"ATTEMPTS": True}),
        ("CRUDAUTH_LOCKOUT", {"ATTEMPTS": "5"}),
        ("CRUDAUTH_LOCKOUT", {"BASE": 60}),
        ("CRUDAUTH_LOCKOUT", {5: 5}),
        ("CRUDAUTH_THROTTLES", None),
        ("CRUDAUTH_THROTTLES", {"log_in": "5/m"}),
        ("CRUDAUTH_THROTTLES", {"register": "5 per minute"}),
        ("CRUDAUTH_TARGET_BUDGET", 5),
        ("CRUDAUTH_TARGET_BUDGET", ["5/15m", 10]),
        ("CRUDAUTH_TARGET_BUDGET", "0/m"),
        ("CRUDAUTH_TRUSTED_PROXIES", -1),
        ("CRUDAUTH_TRUSTED_PROXIES", True),
        ("CRUDAUTH_TRUSTED_PROXIES", "1"),
        ("CRUDAUTH_REGISTRATION_OPEN", 1),
        ("CRUDAUTH_REGISTER_SERIALIZER", None),
        ("CRUDAUTH_ACCOUNT_SERIALIZER", None),
        ("CRUDAUTH_REGISTER_EXTRA_FIELDS", "bio"),
        ("CRUDAUTH_REGISTER_EXTRA_FIELDS", [1]),
        ("CRUDAUTH_REGISTER_EXTRA_FIELDS", None),
        ("CRUDAUTH_NEW_USER_FIELDS", f"{__name__}.nothing"),
        ("CRUDAUTH_NEW_USER_FIELDS", 5),
    ],
)
def test_malformed_setting_raises_with_the_name(name, value):
    with pytest.raises(ImproperlyConfigured, match=name):
        parsed(name, value)


@given(text=st.text(max_size=12))
def test_parse_rate_returns_rate_or_raises_value_error(text):
    try:
        rate = parse_rate(text)
    except ValueError as error:
        assert repr(text) in str(error)  # noqa: PT017 (either may come)
    else:
        assert rate.count > 0
        assert rate.period > 0


@pytest.mark.parametrize(
    ("text", "count", "period"),
    [("5/15m", 5, 900), ("10/d", 10, 86400), ("1/s", 1, 1), ("30/2h", 30, 7200)],
)
def test_parse_rate_reads_count_and_period(text, count, period):
    assert parse_rate(text) == Rate(count=count, period=period)


@pytest.mark.parametrize(
    "text", ["5/0m", "5", "/m", "-1/m", "5/M", "5/w", "5/m ", "05/m"]
)
def test_parse_rate_refuses_other_texts(text):
    with pytest.raises(ValueError, match="not a rate"):
        parse_rate(text)


def test_overridden_setting_takes_effect_everywhere(settings):
    before = get_settings(), get_channels(), get_dispatcher(), get_counters()

    settings.CRUDAUTH_CHANNELS = [LOCMEM, LOCMEM]
    settings.CRUDAUTH_DISPATCHER = {
        "BACKEND": "crudauth_django.dispatch.ThreadDispatcher",
        "OPTIONS": {"workers": 1},
    }
    settings.CRUDAUTH_COUNTERS = "crudauth_django.counters.CacheCounters"

    after = get_settings(), get_channels(), get_dispatcher(), get_counters()
    assert all(new is not old for new, old in zip(after, before, strict=True))
    assert list(get_channels()) == [LOCMEM, f"{LOCMEM}#2"]


def test_overridden_setting_is_restored():
    before = get_channels(), type(get_dispatcher()), type(get_counters())

    with override_settings(
        CRUDAUTH_CHANNELS=[],
        CRUDAUTH_DISPATCHER="crudauth_django.dispatch.ThreadDispatcher",
        CRUDAUTH_COUNTERS="crudauth_django.counters.CacheCounters",
    ):
        assert get_channels() == {}

    assert list(get_channels()) == list(before[0])
    assert (type(get_dispatcher()), type(get_counters())) == before[1:]


def test_other_settings_leave_cached_objects(settings):
    before = get_settings(), get_dispatcher(), get_counters()

    settings.DEBUG = True

    after = get_settings(), get_dispatcher(), get_counters()
    assert all(new is old for new, old in zip(after, before, strict=True))
