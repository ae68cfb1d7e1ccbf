"""Accounts are created and found by normalized values."""

from __future__ import annotations

import json

import pytest
from django.core import serializers
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models

from crudauth_django.users import find_by_identifier, user_model
from tests.support.client import PASSWORD
from tests.support.temporary import installed

pytestmark = pytest.mark.django_db

VALUE = "+12125552368"
OTHER = "+12125552369"


def row() -> dict[str, object]:
    return user_model().objects.values().get()


def test_create_user_normalizes_values():
    bob = user_model().objects.create_user(
        username=" BOB ", phone="+1 212 555 2368", password=PASSWORD
    )

    assert (bob.username, bob.held_value) == ("bob", VALUE)
    assert row()["username"] == "bob"
    assert bob.check_password(PASSWORD)
    assert str(bob) == "bob"


@pytest.mark.parametrize("method", ["create_user", "create_superuser"])
def test_positional_arguments_are_refused_with_the_way_out(method):
    create = getattr(user_model().objects, method)

    with pytest.raises(TypeError, match="create_user\\(username=…, password=…"):
        create("bob", "bob@example.com", PASSWORD)


def test_create_user_without_password_sets_unusable_one():
    bob = user_model().objects.create_user(username="bob")

    assert not bob.has_usable_password()
    assert bob.phone is None
    assert bob.recovery_value is None


def test_create_user_stores_empty_factor_as_null():
    for name in ("bob", "eve"):
        user_model().objects.create_user(username=name, phone="")

    assert user_model().objects.filter(phone=None).count() == 2


@pytest.mark.parametrize(
    "values",
    [{"username": ""}, {"username": "a@b.example"}, {"username": "bob", "phone": "x"}],
)
def test_create_user_with_malformed_value_creates_nothing(values):
    with pytest.raises(ValidationError):
        user_model().objects.create_user(**values)

    assert not user_model().objects.exists()


def test_create_user_with_taken_value_raises(ada):
    with pytest.raises(IntegrityError):
        user_model().objects.create_user(username="ADA")


def test_natural_key_is_found_in_any_form(ada):
    manager = user_model().objects

    assert manager.get_by_natural_key(" ADA ") == ada
    assert ada.natural_key() == ("ada",)
    for unknown in ("eve", "not a name!", None, ""):
        with pytest.raises(user_model().DoesNotExist):
            manager.get_by_natural_key(unknown)


def test_fixture_round_trip_by_natural_key(ada):
    dumped = serializers.serialize("json", [ada], use_natural_primary_keys=True)
    assert "pk" not in json.loads(dumped)[0]

    (loaded,) = serializers.deserialize("json", dumped)
    loaded.save()

    assert user_model().objects.get() == ada
    assert user_model().objects.get().held_value == VALUE


def test_create_superuser_takes_flags_as_given():
    root = user_model().objects.create_superuser(username="root", is_staff=False)

    assert root.is_superuser
    assert not root.is_staff


@pytest.mark.parametrize("text", ["ada", " ADA ", "Ada"])
def test_find_by_identifier_takes_one_query(ada, text, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert find_by_identifier(text) == ada


def test_find_by_identifier_skips_query_for_malformed_text(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert find_by_identifier("not a name!") is None


@pytest.mark.django_db(transaction=True)
def test_find_by_identifier_tries_identifiers_in_order():
    with installed(
        LOGIN_IDENTIFIERS=("badge", "nick"),
        RECOVERY_FACTOR=None,
        badge=models.CharField(max_length=9, unique=True),
        nick=models.CharField(max_length=9, unique=True),
    ) as model:
        by_nick = model.objects.create_user(badge="one", nick="two")
        by_badge = model.objects.create_user(badge="two", nick="one")

        assert find_by_identifier("two") == by_badge
        assert find_by_identifier("one") == by_nick
        assert find_by_identifier("three") is None
