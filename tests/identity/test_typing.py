"""Type parameters and annotations at run time, where no type checker runs."""

from __future__ import annotations

from django.db import models

from crudauth_django.models import AuthUserManager
from tests.support.temporary import declared


class PeopleManager(AuthUserManager["User"]):
    """As a project writes it; Django ignores the parameter."""


def test_a_manager_with_a_type_parameter_serves_its_model():
    with declared(objects=PeopleManager()) as model:
        assert type(model.objects) is PeopleManager
        assert model.objects.model is model


def test_an_annotated_field_is_added_to_the_model():
    annotated = {"username": "str", "email_verified": "bool"}

    with declared(RECOVERY_FACTOR="email", __annotations__=annotated) as model:
        username = model._meta.get_field("username")
        verified = model._meta.get_field("email_verified")

    assert username.unique
    assert isinstance(verified, models.BooleanField)
