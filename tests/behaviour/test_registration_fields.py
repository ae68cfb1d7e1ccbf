"""Fields that ``/register`` writes: opted in by the project, or set by the server."""

from http import HTTPStatus

import pytest
from rest_framework import serializers

from crudauth_django.api.serializers import RegisterSerializer
from crudauth_django.checks.settings import check_registration
from crudauth_django.users import user_model, user_shape
from tests.support.client import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.needs_own_columns]

PROTECTED_FIELDS = [
    "auth_epoch",
    "date_joined",
    "groups",
    "id",
    "is_active",
    "is_staff",
    "is_superuser",
    "last_login",
    "password",
    "user_permissions",
    f"{user_shape().factor}_pending",
    f"{user_shape().factor}_verified",
]


class WithInvitation(RegisterSerializer):
    invitation = serializers.CharField()
    nickname = serializers.CharField(required=False)
    is_staff = serializers.BooleanField(required=False)

    def validate_invitation(self, invitation):
        if invitation != "sesame":
            raise serializers.ValidationError("Not invited.")
        return invitation


class WithMembership(RegisterSerializer):
    membership = serializers.CharField()


def invited(**values):
    return {"credit": len(values["invitation"])}


def staff(**_values):
    return {"is_staff": True, "credit": 10}


def test_field_without_opt_in_is_ignored(ada):
    response = ada.register(nickname="Countess", credit=10)

    assert response.status_code == HTTPStatus.ACCEPTED
    assert (ada.account.nickname, ada.account.credit) == ("", 0)


def test_opted_in_field_is_saved(ada, settings):
    settings.CRUDAUTH_REGISTER_EXTRA_FIELDS = ["nickname"]

    ada.register(nickname="Countess", credit=10)

    assert (ada.account.nickname, ada.account.credit) == ("Countess", 0)


def test_opted_in_field_is_validated(ada, settings):
    settings.CRUDAUTH_REGISTER_EXTRA_FIELDS = ["nickname"]

    response = ada.register(nickname="x" * 41)

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert list(response.data) == ["nickname"]


def test_opted_in_protected_field_is_ignored(ada, bob, settings):
    settings.CRUDAUTH_REGISTER_EXTRA_FIELDS = [*PROTECTED_FIELDS, "nickname"]
    protected = dict.fromkeys(PROTECTED_FIELDS, True) | {
        "auth_epoch": 7,
        "date_joined": "2000-01-01T00:00:00Z",
        "groups": [],
        "id": 1000,
        "is_active": False,
        "last_login": "2000-01-01T00:00:00Z",
        "user_permissions": [],
        f"{user_shape().factor}_pending": bob.factor,
    }

    response = ada.browser.post(
        "/register", {**protected, **ada.values, "password": PASSWORD, "nickname": "A"}
    )

    account = ada.account
    assert response.status_code == HTTPStatus.ACCEPTED
    assert account.nickname == "A"
    assert (account.is_staff, account.is_superuser) == (False, False)
    assert (account.is_active, account.auth_epoch, account.last_login) == (
        True,
        0,
        None,
    )
    assert account.date_joined.year > 2000
    assert account.pk != protected["id"]
    assert (account.pending_value, account.is_recovery_verified) == (None, False)


@pytest.mark.parametrize("name", PROTECTED_FIELDS)
def test_check_reports_opted_in_protected_field(settings, name):
    settings.CRUDAUTH_REGISTER_EXTRA_FIELDS = [name]

    assert [problem.id for problem in check_registration()] == ["crudauth.E025"]


def test_opted_in_factor_gets_same_response_for_held_value(ada, bob, settings):
    settings.CRUDAUTH_REGISTER_EXTRA_FIELDS = [user_shape().factor]
    ada.register()

    free, taken = (
        bob.register(),
        ada.register(
            **{
                name: bob.stored(name) + "x"
                for name in user_shape().identifiers
                if name != user_shape().factor
            }
        ),
    )

    assert check_registration() == []
    assert free.status_code == HTTPStatus.ACCEPTED
    assert (free.status_code, free.data) == (taken.status_code, taken.data)


def test_new_user_fields_override_request(ada, settings):
    settings.CRUDAUTH_NEW_USER_FIELDS = staff

    ada.register(credit=1000, is_staff=False)

    assert (ada.account.is_staff, ada.account.credit) == (True, 10)


def test_custom_serializer_validates_own_field(ada, settings):
    settings.CRUDAUTH_REGISTER_SERIALIZER = f"{__name__}.WithInvitation"
    settings.CRUDAUTH_NEW_USER_FIELDS = f"{__name__}.invited"

    without = ada.register()
    wrong = ada.register(invitation="please")
    right = ada.register(invitation="sesame", nickname="Countess")

    assert [a.status_code for a in (without, wrong)] == [HTTPStatus.BAD_REQUEST] * 2
    assert [list(a.data) for a in (without, wrong)] == [["invitation"]] * 2
    assert right.status_code == HTTPStatus.ACCEPTED
    assert (ada.account.nickname, ada.account.credit) == ("Countess", len("sesame"))


def test_custom_serializer_cannot_write_protected_field(ada, settings):
    settings.CRUDAUTH_REGISTER_SERIALIZER = f"{__name__}.WithInvitation"

    response = ada.register(invitation="sesame", is_staff=True)

    assert response.status_code == HTTPStatus.ACCEPTED
    assert not ada.account.is_staff


def test_taken_own_field_gets_same_error_for_held_factor(
    ada, bob, eve, settings, outbox
):
    settings.CRUDAUTH_REGISTER_SERIALIZER = f"{__name__}.WithMembership"
    ada.register(membership="m-1")
    bob.register(membership="m-2")
    outbox.clear()

    free = eve.register(membership="m-1")
    taken = eve.register(membership="m-1", **{user_shape().factor: bob.factor})

    assert free.status_code == HTTPStatus.BAD_REQUEST
    assert (free.data, list(free.data)) == (taken.data, ["membership"])
    assert outbox == []


def test_closed_registration_is_refused(ada, settings, outbox):
    settings.CRUDAUTH_REGISTRATION_OPEN = False

    response = ada.register()

    assert response.status_code == HTTPStatus.FORBIDDEN
    assert response.data["code"] == "registration_closed"
    assert not user_model().objects.exists()
    assert outbox == []
