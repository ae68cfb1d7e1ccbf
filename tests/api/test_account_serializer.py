"""The account that its owner sees: ``/me`` and the 201 of ``/register``."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.db import models
from rest_framework import serializers

from crudauth_django.api.serializers import AccountSerializer
from crudauth_django.users import user_model
from tests.support.client import PASSWORD
from tests.support.temporary import installed

OWN = f"{__name__}."
JOINED = "tests.api.replacements.JoinedSerializer"


class NicknameSerializer(AccountSerializer):
    nickname = serializers.CharField()


class InitialSerializer(AccountSerializer):
    username = serializers.SerializerMethodField()

    def get_username(self, user):
        return user.username[0]


class KeySerializer(serializers.Serializer):
    key = serializers.CharField(source="pk")


@pytest.fixture
def signed_in(api, ada):
    api.client.force_login(ada)
    return api


@pytest.mark.django_db
def test_anonymous_client_gets_no_account(api, ada, settings):
    settings.CRUDAUTH_ACCOUNT_SERIALIZER = JOINED

    response = api.get("/me")

    assert response.status_code == HTTPStatus.UNAUTHORIZED
    assert set(response.json()) == {"detail", "code"}


def test_default_has_key_identifiers_and_factor(signed_in, ada):
    response = signed_in.get("/me")

    assert list(response.json().items()) == [
        ("id", ada.pk),
        ("username", "ada"),
        ("phone", "+12125552368"),
        ("phone_verified", False),
    ]


@pytest.mark.parametrize(
    "columns",
    [
        {"phone": None},
        {"phone": None, "phone_pending": "+12125550199"},
        {"phone": "+12125550199", "phone_pending": "+12125550123"},
        {
            "phone": "+12125550199",
            "phone_pending": "+12125550123",
            "phone_verified": True,
        },
    ],
)
def test_factor_is_shown_as_the_owner_sees_it(signed_in, ada, columns):
    user_model()._base_manager.update(**columns)
    ada.refresh_from_db()

    account = signed_in.get("/me").json()

    assert account["phone"] == ada.recovery_value
    assert account["phone_verified"] == columns.get("phone_verified", False)


def test_subclass_adds_a_column_and_sees_the_request(signed_in, ada, settings):
    default = signed_in.get("/me").json()
    settings.CRUDAUTH_ACCOUNT_SERIALIZER = JOINED

    account = signed_in.get("/me").json()

    year = str(ada.date_joined.year)
    assert account == {**default, "date_joined": year, "host": "testserver"}


def test_subclass_replaces_a_field_in_place(signed_in, settings):
    default = signed_in.get("/me").json()
    settings.CRUDAUTH_ACCOUNT_SERIALIZER = OWN + "InitialSerializer"

    account = signed_in.get("/me").json()

    assert list(account.items()) == list({**default, "username": "a"}.items())


def test_unrelated_serializer_is_used(signed_in, ada, settings):
    settings.CRUDAUTH_ACCOUNT_SERIALIZER = OWN + "KeySerializer"

    assert signed_in.get("/me").json() == {"key": str(ada.pk)}


@pytest.mark.django_db(transaction=True)
def test_registration_without_factor_returns_own_columns(api, settings):
    settings.CRUDAUTH_ACCOUNT_SERIALIZER = OWN + "NicknameSerializer"
    settings.CRUDAUTH_REGISTER_EXTRA_FIELDS = ["nickname"]
    body = {"username": "grace", "nickname": "Amazing", "password": PASSWORD}

    with installed(RECOVERY_FACTOR=None, nickname=models.CharField(max_length=40)):
        response = api.post("/register", body)
        key = user_model().objects.get().pk

    assert response.status_code == HTTPStatus.CREATED
    assert list(response.json().items()) == [
        ("id", key),
        ("username", "grace"),
        ("nickname", "Amazing"),
    ]
