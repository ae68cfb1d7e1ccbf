"""The fields and names that a shape adds to the user model."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from phonenumber_field.modelfields import PhoneNumberField

from crudauth_django.identity.fields import UsernameField
from crudauth_django.models import AbstractAuthUser, AuthUserManager
from crudauth_django.users import user_model
from tests.support.temporary import declared

pytestmark = pytest.mark.django_db


def field(model, name) -> models.Field:
    return model._meta.get_field(name)


def names(model) -> set[str]:
    return {f.name for f in model._meta.fields}


def test_model_gets_fields_that_it_did_not_declare():
    model = user_model()

    assert isinstance(field(model, "username"), UsernameField)
    assert field(model, "username").unique
    assert isinstance(field(model, "phone_verified"), models.BooleanField)
    assert field(model, "phone_verified").default is False
    assert not field(model, "phone_verified").editable
    assert "email" not in names(model)
    assert model.USERNAME_FIELD == "username"
    assert model.EMAIL_FIELD == ""
    assert model.REQUIRED_FIELDS == []


def test_pending_field_has_factor_type_and_no_constraints():
    phone = PhoneNumberField(
        "number",
        unique=True,
        null=True,
        blank=True,
        region="US",
        max_length=40,
        help_text="yours",
        db_column="tel",
        default=None,
    )
    with declared(phone=phone, RECOVERY_FACTOR="phone") as model:
        pending = field(model, "phone_pending")

        assert isinstance(pending, PhoneNumberField)
        assert (pending.region, pending.max_length) == ("US", 40)
        assert pending.null
        assert pending.blank
        assert not pending.unique
        assert not pending.editable
        assert pending.column == "phone_pending"
        assert pending.help_text == ""


def test_email_named_as_identifier_is_added():
    with declared(
        LOGIN_IDENTIFIERS=("email", "username"), RECOVERY_FACTOR="email"
    ) as model:
        assert isinstance(field(model, "email"), models.EmailField)
        assert {"email_verified", "email_pending", "username"} <= names(model)
        assert model.USERNAME_FIELD == model.EMAIL_FIELD == "email"
        assert model.REQUIRED_FIELDS == ["username"]


def test_declared_field_is_left_as_it_is():
    own = models.CharField(max_length=9, unique=True)
    with declared(username=own, email=models.EmailField(unique=True)) as model:
        assert type(field(model, "username")) is models.CharField
        assert field(model, "username").max_length == 9


def test_django_attributes_may_be_set_by_hand():
    with declared(
        EMAIL_FIELD="contact",
        REQUIRED_FIELDS=["contact"],
        contact=models.EmailField(),
    ) as model:
        assert model.EMAIL_FIELD == "contact"
        assert model.REQUIRED_FIELDS == ["contact"]


def test_model_without_factor_has_no_verified_field():
    with declared(RECOVERY_FACTOR=None) as model:
        user = model(username="bob")

        assert not any(
            name.endswith(("_verified", "_pending")) for name in names(model)
        )
        assert user.recovery_value is None
        assert not user.is_recovery_verified
        assert model.shape().factor not in model.shape().identifiers
        with pytest.raises(ImproperlyConfigured):
            _ = model.shape().verified


def test_shape_of_abstract_model_is_inherited():
    meta = type("Meta", (), {"abstract": True, "app_label": "phone"})
    base = type(AbstractAuthUser)(
        "Base",
        (AbstractAuthUser,),
        {
            "__module__": __name__,
            "Meta": meta,
            "LOGIN_IDENTIFIERS": ("badge",),
            "RECOVERY_FACTOR": "phone",
            "badge": models.CharField(max_length=9, unique=True),
            "phone": PhoneNumberField(unique=True, null=True, blank=True),
        },
    )

    assert "phone_pending" not in names(base)
    assert base.shape().identifiers == ("badge",)
    assert base.shape().columns == ("badge", "phone")


class PeopleManager(AuthUserManager["User"]):
    """As a project writes it; Django ignores the parameter."""


def test_manager_with_type_parameter_serves_the_model():
    with declared(objects=PeopleManager()) as model:
        assert type(model.objects) is PeopleManager
        assert model.objects.model is model


def test_annotated_field_is_added_to_the_model():
    annotated = {"username": "str", "email_verified": "bool"}

    with declared(RECOVERY_FACTOR="email", __annotations__=annotated) as model:
        username = model._meta.get_field("username")
        verified = model._meta.get_field("email_verified")

    assert username.unique
    assert isinstance(verified, models.BooleanField)
