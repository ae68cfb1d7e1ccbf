"""The checks of the account's shape."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import checks
from django.db import models
from phonenumber_field.modelfields import PhoneNumberField

from crudauth_django.checks.shape import (
    check_managers,
    check_registration_oracle,
    check_unverified_addresses,
    check_user_model,
)
from crudauth_django.models import AuthUserManager, AuthUserQuerySet
from crudauth_django.security.tokens import Purpose, make_token, read_token
from tests.support.checks import ids
from tests.support.temporary import declared, installed

PHONE = {"LOGIN_IDENTIFIERS": ("username",), "RECOVERY_FACTOR": "phone"}


def phone(**options) -> models.Field:
    return PhoneNumberField(**{"unique": True, "null": True, "blank": True} | options)


def base_manager() -> type:
    return type("Meta", (), {"app_label": "phone", "base_manager_name": "objects"})


def shape_ids(**attrs) -> list[str]:
    with declared(**attrs):
        return ids(check_user_model)


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
def test_consistent_shape_passes(attrs):
    assert shape_ids(**attrs) == []


def test_unique_constraint_counts_as_unique():
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


def test_conditional_constraint_is_e006():
    condition = models.UniqueConstraint(
        fields=["phone"], name="some", condition=models.Q(is_active=True)
    )
    meta = type("Meta", (), {"app_label": "phone", "constraints": [condition]})

    assert shape_ids(phone=phone(unique=False), Meta=meta, **PHONE) == ["E006"]


def test_user_model_of_another_kind_is_e001(settings):
    settings.AUTH_USER_MODEL = "auth.User"

    assert ids(check_user_model) == ["E001"]


@pytest.mark.parametrize(
    ("attrs", "expected"),
    [
        ({"LOGIN_IDENTIFIERS": ()}, ["E002"]),
        ({"LOGIN_IDENTIFIERS": "username"}, ["E002"]),
        ({"LOGIN_IDENTIFIERS": None}, ["E002"]),
        ({"LOGIN_IDENTIFIERS": ("badge",)}, ["E003"]),
        ({"LOGIN_IDENTIFIERS": (1,)}, ["E003"]),
        (
            {
                "badge": models.CharField(max_length=9),
                "LOGIN_IDENTIFIERS": ("badge",),
            },
            ["E004"],
        ),
        ({"RECOVERY_FACTOR": "phone"}, ["E005"]),
        ({"RECOVERY_FACTOR": ["phone"], "phone": phone()}, ["E005"]),
        ({"phone": phone(unique=False), **PHONE}, ["E006"]),
        ({"phone": phone(null=False), **PHONE}, ["E007"]),
        (
            {
                "phone": phone(),
                "phone_verified": models.BooleanField(default=True),
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
        "E002 none",
        "E003",
        "E003 number",
        "E004",
        "E005",
        "E005 list",
        "E006",
        "E007",
        "E008 verified",
        "E008 pending",
    ],
)
def test_contradictory_shape_is_an_error(attrs, expected):
    assert shape_ids(**attrs) == expected


@pytest.mark.django_db
@pytest.mark.parametrize(
    "attrs",
    [
        {"LOGIN_IDENTIFIERS": "username"},
        {"LOGIN_IDENTIFIERS": ("usrname", "emial")},
        {"LOGIN_IDENTIFIERS": None},
        {"LOGIN_IDENTIFIERS": ("usrname",), "RECOVERY_FACTOR": "phnoe"},
        {"RECOVERY_FACTOR": ("phone",), "phone": phone()},
    ],
    ids=["text", "misspelled", "none", "both", "factor"],
)
def test_broken_declaration_ends_in_messages(attrs):
    """Django's own checks read ``USERNAME_FIELD``, and must not raise first."""
    with declared(**attrs):
        found = checks.run_checks(include_deployment_checks=True)

    errors = {message.id for message in found if message.level >= checks.ERROR}
    assert {"crudauth.E002", "crudauth.E003", "crudauth.E005"} & errors


class PlainManager(models.Manager):
    """Hides rows, as for soft deletion, and writes as Django does."""


@pytest.mark.parametrize(
    ("attrs", "expected"),
    [
        ({}, []),
        ({"objects": AuthUserManager.from_queryset(AuthUserQuerySet)()}, []),
        ({"objects": PlainManager()}, ["W018"]),
        ({"everyone": PlainManager(), "objects": AuthUserManager()}, ["W018"]),
        ({"objects": AuthUserManager.from_queryset(models.QuerySet)()}, ["W018"]),
        ({"Meta": base_manager()}, ["E038"]),
    ],
    ids=["ours", "from ours", "plain", "second", "plain queryset", "base"],
)
def test_manager_that_writes_by_other_rules_is_reported(attrs, expected):
    with declared(**attrs):
        assert ids(check_managers) == expected


def test_managers_of_user_model_of_another_kind_are_skipped(settings):
    settings.AUTH_USER_MODEL = "auth.User"

    assert ids(check_managers) == []


def test_phone_format_other_than_e164_is_e009(settings):
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


def test_relation_as_identifier_is_e003():
    relation = models.OneToOneField("phone.User", models.CASCADE, related_name="+")

    assert shape_ids(user=relation, LOGIN_IDENTIFIERS=("groups",)) == ["E003"]


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
        (
            {"LOGIN_IDENTIFIERS": ("username", "email"), "RECOVERY_FACTOR": "email"},
            None,
            ["W001"],
        ),
        ({"LOGIN_IDENTIFIERS": ("email",), "RECOVERY_FACTOR": "email"}, None, []),
        (
            {"LOGIN_IDENTIFIERS": ("email",), "RECOVERY_FACTOR": "email"},
            False,
            ["W001"],
        ),
        ({"LOGIN_IDENTIFIERS": ("email",), "RECOVERY_FACTOR": None}, False, []),
    ],
    ids=["name", "off", "on", "unset", "sole unset", "sole off", "no recovery"],
)
def test_login_with_address_is_w001(settings, attrs, verified, expected):
    settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = verified
    with declared(**attrs):
        assert ids(check_registration_oracle) == expected


def test_w001_skips_user_model_of_another_kind(settings):
    settings.AUTH_USER_MODEL = "auth.User"

    assert ids(check_registration_oracle) == []


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
def test_primary_key_too_long_for_a_token_is_e033(key, expected):
    assert shape_ids(key=key) == expected


@pytest.mark.django_db(transaction=True)
def test_longest_primary_key_without_e033_fits_a_token():
    purpose = Purpose(
        kind="test",
        code=9,
        max_age=lambda: timedelta(hours=1),
        state=lambda user: (user.pk,),
    )
    key = models.CharField(primary_key=True, max_length=129)
    with installed(key=key) as model:
        user = model.objects.create(key="k" * 129, username="ada")

        assert read_token(purpose, make_token(purpose, user)) == user
