"""The checks of fields that a registration writes, and of names."""

from __future__ import annotations

import pytest
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from rest_framework import serializers

from crudauth_django.api.serializers import RegisterSerializer
from crudauth_django.checks.registration import (
    check_disjoint_identifiers,
    check_handles,
    check_personal_extras,
    check_unique_extras,
)
from tests.support.checks import ids
from tests.support.temporary import declared


def shape() -> dict[str, object]:
    return {
        "LOGIN_IDENTIFIERS": ("username",),
        "RECOVERY_FACTOR": "phone",
        "phone": models.CharField(max_length=20, unique=True, null=True),
        "email": models.EmailField(unique=True),
        "contact": models.EmailField(),
        "badge": models.CharField(max_length=20, unique=True),
        "nickname": models.CharField(max_length=20),
    }


class WithEmail(RegisterSerializer):
    email = serializers.EmailField()


def nothing(**_values):
    return {}


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, []),
        ({"CRUDAUTH_REGISTER_EXTRA_FIELDS": ["email"]}, ["E042"]),
        ({"CRUDAUTH_REGISTER_EXTRA_FIELDS": ["contact", "nickname"]}, []),
        ({"CRUDAUTH_REGISTER_EXTRA_FIELDS": ["username", "phone"]}, []),
        ({"CRUDAUTH_REGISTER_EXTRA_FIELDS": ["badge"]}, ["W040"]),
        ({"CRUDAUTH_REGISTER_EXTRA_FIELDS": "malformed"}, []),
        ({"CRUDAUTH_REGISTER_SERIALIZER": f"{__name__}.WithEmail"}, ["E042"]),
        ({"CRUDAUTH_REGISTER_SERIALIZER": "no.such.Serializer"}, []),
        ({"CRUDAUTH_NEW_USER_FIELDS": nothing}, ["W041"]),
    ],
)
def test_unique_extra_is_reported_by_type(settings, chosen, expected):
    for name, value in chosen.items():
        setattr(settings, name, value)

    with declared(**shape()):
        found = [*ids(check_personal_extras), *ids(check_unique_extras)]

    assert found == expected


def sole(**factor: object) -> dict[str, object]:
    email = models.EmailField(unique=True, **factor)
    names = ("email",)
    return {"LOGIN_IDENTIFIERS": names, "RECOVERY_FACTOR": "email", "email": email}


@pytest.mark.parametrize(
    ("shaped", "expected"),
    [
        (sole(), ["E043"]),
        (sole(null=True), ["E043"]),
        ({**sole(null=True), "LOGIN_IDENTIFIERS": ("username", "email")}, ["W040"]),
        ({**sole(), "LOGIN_IDENTIFIERS": ("username", "email")}, ["E043"]),
        (
            {
                **sole(),
                "LOGIN_IDENTIFIERS": ("username", "email"),
                "RECOVERY_FACTOR": "phone",
                "phone": models.CharField(max_length=20, unique=True, null=True),
            },
            ["E043"],
        ),
        ({"LOGIN_IDENTIFIERS": ("username",), "RECOVERY_FACTOR": None}, ["W040"]),
    ],
    ids=["sole", "nullable", "claims", "required", "second address", "no factor"],
)
def test_name_of_registration_without_account_is_e043(settings, shaped, expected):
    settings.CRUDAUTH_REGISTER_EXTRA_FIELDS = ["handle"]
    handle = models.CharField(max_length=20, unique=True)

    with declared(**{**shaped, "handle": handle}):
        found = [*ids(check_handles), *ids(check_unique_extras)]

    assert found == expected


@pytest.mark.parametrize(
    "options",
    [
        {"expressions": (Lower("handle"),)},
        {"fields": ["handle"], "condition": models.Q(is_active=True)},
        {"fields": ["is_active", "handle"]},
    ],
    ids=["expression", "condition", "two fields"],
)
def test_unique_constraint_of_any_form_is_found(settings, options):
    settings.CRUDAUTH_REGISTER_EXTRA_FIELDS = ["handle"]
    expressions = options.pop("expressions", ())
    constraint = models.UniqueConstraint(*expressions, name="one", **options)
    meta = type("Meta", (), {"app_label": "phone", "constraints": [constraint]})
    handle = models.CharField(max_length=20)

    with declared(**sole(), handle=handle, Meta=meta):
        assert ids(check_handles) == ["E043"]


def test_user_model_of_another_kind_is_not_checked(settings):
    settings.AUTH_USER_MODEL = "auth.User"
    settings.CRUDAUTH_REGISTER_EXTRA_FIELDS = ["email"]

    assert ids(check_personal_extras) == ids(check_unique_extras) == []
    assert ids(check_disjoint_identifiers) == []


def member(*validators: RegexValidator) -> models.Field:
    return models.CharField(max_length=20, unique=True, validators=validators)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (member(), ["W042"]),
        (member(RegexValidator(r"\A[a-z]\d{7}\Z")), ["W042"]),
        (member(RegexValidator(r"\A[a-z]-\d{4}\Z")), ["W042"]),
        (member(RegexValidator(r"\A\d{8}\Z")), []),
        (member(RegexValidator(r"\A#\w+\Z")), []),
        (models.EmailField(unique=True), []),
    ],
    ids=["any", "letter", "dash", "digits", "mark", "address"],
)
def test_overlapping_names_are_w042(field, expected):
    with declared(LOGIN_IDENTIFIERS=("username", "member"), member=field):
        assert ids(check_disjoint_identifiers) == expected


def test_overlapping_name_and_factor_are_w042():
    factor = models.CharField(max_length=20, unique=True, null=True)
    names = ("username", "chat")

    with declared(LOGIN_IDENTIFIERS=names, RECOVERY_FACTOR="chat", chat=factor):
        assert ids(check_disjoint_identifiers) == ["W042"]
