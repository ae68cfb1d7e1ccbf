"""``makemigrations`` offers no rename between the columns of two factors.

A renamed flag would verify values that no account has shown control of.
"""

from __future__ import annotations

import pytest
from django.db import migrations, models
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ModelState, ProjectState
from phonenumber_field.modelfields import PhoneNumberField

from crudauth_django.identity.fields import VerifiedField
from tests.support.temporary import declared


def phone() -> models.Field:
    return PhoneNumberField(unique=True, null=True, blank=True)


def state_of(**attrs) -> ProjectState:
    state = ProjectState()
    with declared(**attrs) as model:
        state.add_model(ModelState.from_model(model, exclude_rels=True))
    return state


class Questioner(MigrationQuestioner):
    """Refuses every question about a renamed column of the package."""

    def ask_rename(self, model_name, old_name, new_name, field_instance):
        assert not old_name.endswith(("_verified", "_pending"))
        return True


def detect(before: ProjectState, after: ProjectState) -> list[migrations.operations]:
    changes = MigrationAutodetector(before, after, Questioner())._detect_changes()
    return [each for migration in changes["phone"] for each in migration.operations]


def described(operations) -> set[str]:
    return {operation.describe() for operation in operations}


CHANGES = {
    "phone to email": (
        {"RECOVERY_FACTOR": "phone", "phone": phone},
        {"RECOVERY_FACTOR": "email", "phone": phone},
    ),
    "phone dropped for email": (
        {"RECOVERY_FACTOR": "phone", "phone": phone},
        {"RECOVERY_FACTOR": "email"},
    ),
    "phone to whatsapp": (
        {"RECOVERY_FACTOR": "phone", "phone": phone, "whatsapp": phone},
        {"RECOVERY_FACTOR": "whatsapp", "phone": phone, "whatsapp": phone},
    ),
    "phone renamed to whatsapp": (
        {"RECOVERY_FACTOR": "phone", "phone": phone},
        {"RECOVERY_FACTOR": "whatsapp", "whatsapp": phone},
    ),
}


def built(attrs: dict) -> dict:
    return {name: v() if callable(v) else v for name, v in attrs.items()}


@pytest.mark.parametrize("change", CHANGES)
def test_other_factor_gets_new_columns(change):
    before, after = (state_of(**built(attrs)) for attrs in CHANGES[change])
    (old, new) = (attrs["RECOVERY_FACTOR"] for attrs in CHANGES[change])

    found = described(detect(before, after))

    assert {
        f"Remove field {old}_verified from temporary",
        f"Remove field {old}_pending from temporary",
        f"Add field {new}_verified to temporary",
        f"Add field {new}_pending to temporary",
    } <= found


def test_unchanged_model_has_no_migration():
    attrs = {"RECOVERY_FACTOR": "phone", "phone": phone}
    before, after = (state_of(**built(attrs)) for _ in range(2))

    assert MigrationAutodetector(before, after)._detect_changes() == {}


def test_verified_field_names_only_the_factor():
    field = VerifiedField(factor="phone")

    _name, path, args, kwargs = field.deconstruct()

    assert path == "crudauth_django.identity.fields.VerifiedField"
    assert (args, kwargs) == ([], {"factor": "phone"})
    assert (field.default, field.editable) == (False, False)
    assert field.clone().factor == "phone"


@pytest.mark.parametrize("option", [{"default": True}, {"editable": True}])
def test_verified_field_ignores_other_options(option):
    field = VerifiedField(factor="phone", **option)

    assert (field.default, field.editable) == (False, False)
