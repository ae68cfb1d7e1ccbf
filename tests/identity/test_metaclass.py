"""The fields and names that a shape adds to the user model."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from phonenumber_field.modelfields import PhoneNumberField

from crudauth_django.identity.fields import UsernameField, VerifiedField
from crudauth_django.models import AbstractAuthUser, AuthUserManager
from crudauth_django.users import user_model
from tests.support.temporary import declared

pytestmark = pytest.mark.django_db


def field(model, name) -> models.Field:
    return model._meta.get_field(name)


def phone() -> models.Field:
    return PhoneNumberField(unique=True, null=True, blank=True)


def abstract() -> type:
    return type("Meta", (), {"abstract": True, "app_label": "phone"})


def names(model) -> set[str]:
    return {f.name for f in model._meta.fields}


def test_model_gets_fields_that_it_did_not_declare():
    model = user_model()

    assert isinstance(field(model, "username"), UsernameField)
    assert field(model, "username").unique
    assert isinstance(field(model, "phone_verified"), VerifiedField)
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


@pytest.mark.parametrize("in_parent", [False, True], ids=["own", "abstract parent"])
def test_own_field_beside_factor_gives_way(in_parent):
    """Also where no check has run: no account is born verified."""
    fields = {
        "phone_verified": models.BooleanField(default=True),
        "phone_pending": phone(),
    }
    attrs = {"phone": phone(), "RECOVERY_FACTOR": "phone"}
    if in_parent:
        fields = {"__module__": __name__, "Meta": abstract(), **fields}
        attrs["bases"] = (type(AbstractAuthUser)("Base", (AbstractAuthUser,), fields),)
    else:
        attrs |= fields

    with declared(**attrs) as model:
        assert isinstance(field(model, "phone_verified"), VerifiedField)
        assert not field(model, "phone_pending").unique
        assert not model(username="bob").phone_verified
        assert model.redeclared_fields == {"phone_verified", "phone_pending"}


def test_property_beside_factor_gives_way():
    class Verified:
        phone_verified = property(lambda _self: True)

    bases = (Verified, AbstractAuthUser)
    with declared(phone=phone(), RECOVERY_FACTOR="phone", bases=bases) as model:
        assert not model(username="bob", phone="+12125552368").phone_verified


def test_child_of_concrete_model_inherits_the_columns():
    with declared(phone=phone(), RECOVERY_FACTOR="phone") as parent:
        meta = type("Meta", (), {"app_label": "phone"})
        try:
            child = type(AbstractAuthUser)(
                "Child", (parent,), {"__module__": __name__, "Meta": meta}
            )

            assert child.redeclared_fields == frozenset()
            assert {f.name for f in child._meta.local_fields} == {"temporary_ptr"}
            assert field(child, "phone_verified").model is parent
        finally:
            apps.all_models["phone"].pop("child", None)
            apps.clear_cache()


@pytest.mark.parametrize(
    "attrs",
    [
        {"LOGIN_IDENTIFIERS": "username"},
        {"LOGIN_IDENTIFIERS": ("usrname",)},
        {"LOGIN_IDENTIFIERS": ()},
        {"LOGIN_IDENTIFIERS": None},
        {"LOGIN_IDENTIFIERS": (1,)},
    ],
    ids=["text", "misspelled", "empty", "none", "number"],
)
def test_broken_declaration_gets_username_field_that_exists(attrs):
    with declared(**attrs) as model:
        assert model.USERNAME_FIELD == "id"
        assert model.REQUIRED_FIELDS == []


def test_broken_declaration_falls_back_to_own_primary_key():
    key = models.UUIDField(primary_key=True)
    with declared(code=key, LOGIN_IDENTIFIERS=("usrname",)) as model:
        assert model.USERNAME_FIELD == "code"


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
    base = type(AbstractAuthUser)(
        "Base",
        (AbstractAuthUser,),
        {
            "__module__": __name__,
            "Meta": abstract(),
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
