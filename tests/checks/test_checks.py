"""Each system check: it fires when it should, and not otherwise."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.core import checks
from django.db import models
from phonenumber_field.modelfields import PhoneNumberField
from rest_framework import serializers

import crudauth_django
from crudauth_django.channels.base import DeliveryChannel
from crudauth_django.checks import project
from crudauth_django.checks.channels import (
    check_channels,
    check_channels_for_production,
)
from crudauth_django.checks.counters import check_counters
from crudauth_django.checks.dispatchers import (
    check_dispatcher,
    check_dispatcher_for_production,
)
from crudauth_django.checks.settings import (
    check_limits,
    check_links,
    check_registration,
    check_serializers,
    check_settings,
    check_times,
)
from crudauth_django.checks.shape import (
    check_registration_oracle,
    check_unverified_addresses,
    check_user_model,
)
from crudauth_django.security.tokens import Purpose, make_token, read_token
from tests.support.hashers import default_hashers
from tests.support.temporary import declared, installed

SOURCE = Path(crudauth_django.__file__).parent
LOCMEM = "crudauth_django.channels.locmem.LocMemChannel"
OWN = "tests.checks.test_checks."


class NeedsOptions(DeliveryChannel):
    def __init__(self, *, sender: str) -> None:
        super().__init__()

    def deliver(self, intent) -> None: ...


class Mail(DeliveryChannel):
    factors = ("email",)

    def deliver(self, intent) -> None: ...


class NoDispatcher:
    pass


class NoCounterStore:
    pass


class ForeignSerializer(serializers.Serializer):
    pass


def phone(**options) -> models.Field:
    return PhoneNumberField(**{"unique": True, "null": True, "blank": True} | options)


def ids(check) -> list[str]:
    messages = check()
    for message in messages:
        assert message.hint
        assert message.msg
    return sorted(message.id.removeprefix("crudauth.") for message in messages)


def shape_ids(**attrs) -> list[str]:
    with declared(**attrs):
        return ids(check_user_model)


HOUR = timedelta(hours=1)
PHONE = {"LOGIN_IDENTIFIERS": ("username",), "RECOVERY_FACTOR": "phone"}


def test_the_test_project_is_in_order():
    assert checks.run_checks(tags=["crudauth"]) == []


def test_every_id_stands_for_one_thing():
    given = [
        found
        for file in SOURCE.rglob("*.py")
        for found in re.findall(r'id="(crudauth\.[EW]\d{3})"', file.read_text())
    ]

    assert given
    assert len(given) == len(set(given))


@pytest.mark.parametrize(
    "attrs",
    [
        {"phone": phone(), **PHONE},
        {"LOGIN_IDENTIFIERS": ("username", "email"), "RECOVERY_FACTOR": "email"},
        {"LOGIN_IDENTIFIERS": ["username"], "RECOVERY_FACTOR": None},
        {
            "phone": phone(null=False),
            "LOGIN_IDENTIFIERS": ("phone",),
            "RECOVERY_FACTOR": "phone",
        },
    ],
    ids=["phone", "email", "no recovery", "phone login"],
)
def test_a_shape_that_agrees_with_itself_passes(attrs):
    assert shape_ids(**attrs) == []


def test_a_unique_constraint_is_as_good_as_a_unique_column():
    meta = type(
        "Meta",
        (),
        {
            "app_label": "phone",
            "constraints": [
                models.UniqueConstraint(fields=["phone"], name="one_phone")
            ],
        },
    )

    assert shape_ids(phone=phone(unique=False), Meta=meta, **PHONE) == []


def test_a_conditional_constraint_is_not():
    condition = models.UniqueConstraint(
        fields=["phone"], name="some", condition=models.Q(is_active=True)
    )
    meta = type("Meta", (), {"app_label": "phone", "constraints": [condition]})

    assert shape_ids(phone=phone(unique=False), Meta=meta, **PHONE) == ["E006"]


def test_another_kind_of_user_is_e001(settings):
    settings.AUTH_USER_MODEL = "auth.User"

    assert ids(check_user_model) == ["E001"]


@pytest.mark.parametrize(
    ("attrs", "expected"),
    [
        ({"LOGIN_IDENTIFIERS": (), "USERNAME_FIELD": "id"}, ["E002"]),
        ({"LOGIN_IDENTIFIERS": "username", "USERNAME_FIELD": "id"}, ["E002"]),
        (
            {"LOGIN_IDENTIFIERS": ("badge",), "USERNAME_FIELD": "id"},
            ["E003"],
        ),
        (
            {
                "badge": models.CharField(max_length=9),
                "LOGIN_IDENTIFIERS": ("badge",),
            },
            ["E004"],
        ),
        ({"RECOVERY_FACTOR": "phone"}, ["E005"]),
        ({"phone": phone(unique=False), **PHONE}, ["E006"]),
        ({"phone": phone(null=False), **PHONE}, ["E007"]),
        (
            {
                "phone": phone(),
                "phone_verified": models.CharField(max_length=5),
                **PHONE,
            },
            ["E008"],
        ),
        (
            {"phone": phone(), "phone_pending": phone(), **PHONE},
            ["E008"],
        ),
    ],
    ids=[
        "E002 empty",
        "E002 text",
        "E003",
        "E004",
        "E005",
        "E006",
        "E007",
        "E008 verified",
        "E008 pending",
    ],
)
def test_a_shape_that_contradicts_itself_is_named(attrs, expected):
    assert shape_ids(**attrs) == expected


def test_numbers_are_stored_as_they_are_looked_up(settings):
    settings.PHONENUMBER_DB_FORMAT = "INTERNATIONAL"

    assert shape_ids(phone=phone(), **PHONE) == ["E009"]
    assert shape_ids(LOGIN_IDENTIFIERS=("username",)) == []


def test_identifying_address_without_verification_is_w008():
    names = ("username", "email")

    with declared(LOGIN_IDENTIFIERS=names, RECOVERY_FACTOR="phone", phone=phone()):
        beside = ids(check_unverified_addresses)
    with declared(LOGIN_IDENTIFIERS=names, RECOVERY_FACTOR="email"):
        factor = ids(check_unverified_addresses)

    assert (beside, factor) == (["W008"], [])


def test_a_relation_is_no_identifier():
    relation = models.OneToOneField("phone.User", models.CASCADE, related_name="+")

    assert shape_ids(
        user=relation, LOGIN_IDENTIFIERS=("groups",), USERNAME_FIELD="id"
    ) == ["E003"]


@pytest.mark.parametrize(
    ("attrs", "verified", "expected"),
    [
        ({"phone": phone(), **PHONE}, False, []),
        (
            {"LOGIN_IDENTIFIERS": ("username", "email"), "RECOVERY_FACTOR": "email"},
            False,
            ["W001"],
        ),
        (
            {"LOGIN_IDENTIFIERS": ("username", "email"), "RECOVERY_FACTOR": "email"},
            True,
            [],
        ),
        ({"LOGIN_IDENTIFIERS": ("email",), "RECOVERY_FACTOR": None}, False, []),
    ],
    ids=["name", "address", "address proven", "no recovery"],
)
def test_logging_in_with_an_address_tells_and_is_w001(
    settings, attrs, verified, expected
):
    settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = verified
    with declared(**attrs):
        assert ids(check_registration_oracle) == expected


def test_w001_is_silent_about_another_kind_of_user(settings):
    settings.AUTH_USER_MODEL = "auth.User"

    assert ids(check_registration_oracle) == []


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        ([LOCMEM], []),
        ([{"BACKEND": OWN + "NeedsOptions", "OPTIONS": {"sender": "x"}}], []),
        ([LOCMEM, OWN + "Mail"], []),
        ([], ["W002"]),
        ("malformed", []),
        (["no.such.Channel"], ["E010"]),
        (["tests.checks.test_checks.NoDispatcher"], ["E011"]),
        (["tests.checks.test_checks.phone"], ["E011"]),
        ([OWN + "NeedsOptions"], ["E012"]),
        ([OWN + "Mail"], ["E013"]),
        ([OWN + "Mail", "no.such.Channel"], ["E010"]),
    ],
)
def test_channels_are_checked(settings, channels, expected):
    settings.CRUDAUTH_CHANNELS = channels

    assert ids(check_channels) == expected


def test_channels_without_a_recovery_factor_are_w003():
    with declared(RECOVERY_FACTOR=None):
        assert ids(check_channels) == ["W003"]


def test_no_channels_without_a_recovery_factor_are_in_order(settings):
    settings.CRUDAUTH_CHANNELS = []
    with declared(RECOVERY_FACTOR=None):
        assert ids(check_channels) == []


@pytest.mark.parametrize(
    ("dispatcher", "expected"),
    [
        ("crudauth_django.dispatch.ThreadDispatcher", []),
        ("crudauth_django.dispatch.TaskDispatcher", []),
        (None, []),
        ("no.such.Dispatcher", ["E014"]),
        (
            {
                "BACKEND": "crudauth_django.dispatch.ThreadDispatcher",
                "OPTIONS": {"threads": 1},
            },
            ["E014"],
        ),
        (OWN + "NoDispatcher", ["E015"]),
    ],
)
def test_the_dispatcher_is_checked(settings, dispatcher, expected):
    settings.CRUDAUTH_DISPATCHER = dispatcher

    assert ids(check_dispatcher) == expected


@pytest.mark.parametrize(
    ("dispatcher", "expected"),
    [
        ("crudauth_django.dispatch.ThreadDispatcher", []),
        ("crudauth_django.dispatch.InlineDispatcher", ["E016"]),
        ("crudauth_django.dispatch.TaskDispatcher", ["W004"]),
        ("no.such.Dispatcher", []),
        (None, []),
    ],
)
def test_the_dispatcher_of_a_site_is_checked(settings, dispatcher, expected):
    settings.CRUDAUTH_DISPATCHER = dispatcher

    assert ids(check_dispatcher_for_production) == expected


def folder_channel(tmp_path) -> dict[str, object]:
    path = "crudauth_django.channels.file.FileChannel"
    return {"BACKEND": path, "OPTIONS": {"folder": tmp_path}}


def fallback_on(*channels: object) -> dict[str, object]:
    path = "crudauth_django.channels.fallback.FallbackChannel"
    return {"BACKEND": path, "OPTIONS": {"channels": channels}}


def test_a_channel_for_development_is_w007_on_a_site(settings, tmp_path):
    console = "crudauth_django.channels.console.ConsoleChannel"
    file = folder_channel(tmp_path)

    found = {}
    for name, channels in {
        "people": [OWN + "Mail"],
        "console": [console],
        "file": [file],
        "memory": [LOCMEM, LOCMEM],
        "inside": [OWN + "Mail", fallback_on(OWN + "Mail", fallback_on(console))],
        "two": [console, fallback_on(file, OWN + "Mail")],
        "not constructed": [console, OWN + "NeedsOptions"],
        "malformed": "malformed",
    }.items():
        settings.CRUDAUTH_CHANNELS = channels
        found[name] = ids(check_channels_for_production)

    assert found == {
        "people": [],
        "console": ["W007"],
        "file": ["W007"],
        "memory": ["W007"],
        "inside": ["W007"],
        "two": ["W007", "W007"],
        "not constructed": [],
        "malformed": [],
    }


def test_an_unknown_setting_is_e020(settings):
    settings.CRUDAUTH_CHANELS = []

    assert ids(check_settings) == ["E020"]


def test_a_malformed_setting_is_e021(settings):
    settings.CRUDAUTH_TARGET_BUDGET = "often"

    assert ids(check_settings) == ["E021"]


def test_argon2_that_is_not_installed_is_e022(monkeypatch):
    monkeypatch.setattr(project, "find_spec", lambda _name: None)
    assert ids(project.check_hasher) == []

    with default_hashers():
        assert ids(project.check_hasher) == ["E022"]


def test_middleware_that_is_missing_is_e023(settings):
    assert ids(project.check_middleware) == []

    settings.MIDDLEWARE = settings.MIDDLEWARE[:1]

    assert ids(project.check_middleware) == ["E023", "E023"]


@pytest.mark.parametrize(
    ("check", "setting"),
    [
        (project.check_middleware, "MIDDLEWARE"),
        (project.check_backend, "AUTHENTICATION_BACKENDS"),
    ],
)
def test_a_path_that_django_reports_itself_is_left_to_it(settings, check, setting):
    setattr(settings, setting, ["no.such.thing"])

    assert ids(check) == []


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
        ("CRUDAUTH_REGISTER_SERIALIZER", OWN + "NoCounterStore", ["E031"]),
        ("CRUDAUTH_REGISTER_SERIALIZER", OWN + "ForeignSerializer", []),
        ("CRUDAUTH_ACCOUNT_SERIALIZER", "no.such.Serializer", ["E024"]),
        ("CRUDAUTH_ACCOUNT_SERIALIZER", "AccountSerializer", ["E024"]),
        ("CRUDAUTH_ACCOUNT_SERIALIZER", "os.path.join", ["E031"]),
        ("CRUDAUTH_ACCOUNT_SERIALIZER", OWN + "NoCounterStore", ["E031"]),
        ("CRUDAUTH_ACCOUNT_SERIALIZER", OWN + "ForeignSerializer", []),
    ],
)
def test_what_register_writes_is_checked(settings, name, value, expected):
    setattr(settings, name, value)

    assert [*ids(check_registration), *ids(check_serializers)] == expected


def test_what_register_writes_is_checked_without_a_factor(settings):
    settings.CRUDAUTH_REGISTER_EXTRA_FIELDS = ["auth_epoch"]
    with declared(RECOVERY_FACTOR=None):
        assert ids(check_registration) == ["E025"]


CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "file": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache"},
    "redis": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://127.0.0.1:1",
    },
    "gone": {"BACKEND": "no.such.Cache"},
}


def in_cache(alias: str) -> dict[str, object]:
    return {
        "BACKEND": "crudauth_django.counters.CacheCounters",
        "OPTIONS": {"alias": alias},
    }


@pytest.mark.parametrize(
    ("counters", "expected"),
    [
        ("crudauth_django.counters.DatabaseCounters", []),
        (in_cache("redis"), []),
        (5, []),
        ("no.such.Store", ["E027"]),
        (
            {
                "BACKEND": "crudauth_django.counters.CacheCounters",
                "OPTIONS": {"cache": "x"},
            },
            ["E027"],
        ),
        (OWN + "NoCounterStore", ["E028"]),
        (in_cache("none"), ["E029"]),
        (in_cache("gone"), ["E029"]),
        (in_cache("file"), ["E030"]),
        (in_cache("default"), ["W011"]),
    ],
)
def test_the_counters_are_checked(settings, tmp_path, counters, expected):
    settings.CACHES = CACHES | {"file": CACHES["file"] | {"LOCATION": tmp_path}}
    settings.CRUDAUTH_COUNTERS = counters

    assert ids(check_counters) == expected


def test_a_door_that_knows_no_lockout_is_w010(settings):
    assert ids(project.check_backend) == []

    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]

    (message,) = project.check_backend()
    assert message.id == "crudauth.W010"
    assert "admin" in message.msg
    settings.INSTALLED_APPS = [
        app for app in settings.INSTALLED_APPS if app != "django.contrib.admin"
    ]
    (message,) = project.check_backend()
    assert "admin" not in message.msg


@pytest.mark.parametrize("name", ["CRUDAUTH_LOCKOUT", "CRUDAUTH_TARGET_BUDGET"])
def test_a_limit_that_is_off_is_w012_on_a_site(settings, name):
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
        ("CRUDAUTH_RETRY", {"BASE": HOUR}, ["E032"]),
    ],
)
def test_times_that_contradict_one_another_are_e032(settings, name, value, expected):
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
def test_links_that_can_be_read_on_their_way_are_w013_on_a_site(
    settings, address, expected
):
    settings.CRUDAUTH_FRONTEND_URL = address

    assert ids(check_links) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (models.BigAutoField(primary_key=True), []),
        (models.UUIDField(primary_key=True), []),
        (models.CharField(primary_key=True, max_length=129), []),
        (models.CharField(primary_key=True, max_length=130), ["E033"]),
        (models.EmailField(primary_key=True), ["E033"]),
        (models.TextField(primary_key=True), ["E033"]),
    ],
    ids=["number", "UUID", "129", "130", "address", "text"],
)
def test_a_key_that_no_token_has_room_for_is_e033(key, expected):
    assert shape_ids(key=key) == expected


@pytest.mark.django_db(transaction=True)
def test_the_longest_key_without_e033_fits_into_a_token():
    purpose = Purpose(
        kind="test", code=9, max_age=lambda: HOUR, state=lambda user: (user.pk,)
    )
    key = models.CharField(primary_key=True, max_length=129)
    with installed(key=key) as model:
        user = model.objects.create(key="k" * 129, username="ada")

        assert read_token(purpose, make_token(purpose, user)) == user


def test_a_malformed_setting_stops_no_other_check(settings):
    settings.CRUDAUTH_LOCKOUT = 5
    settings.CRUDAUTH_CHANNELS = ["no.such.Channel"]
    with declared(LOGIN_IDENTIFIERS=("email",), RECOVERY_FACTOR="email"):
        messages = checks.run_checks(tags=["crudauth"], include_deployment_checks=True)

    found = [m.id.removeprefix("crudauth.") for m in messages]
    assert sorted(found) == ["E010", "E016", "E021", "W001"]
