"""What ``/register`` writes beside identity: a strict list, and the server's own."""

from http import HTTPStatus

import pytest
from rest_framework import serializers

from crudauth_django.api.serializers import RegisterSerializer
from crudauth_django.checks.settings import check_registration
from crudauth_django.users import user_model, user_shape
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

PRIVILEGED = [
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


def test_a_column_that_was_not_opted_in_is_ignored(ada):
    answer = ada.register(nickname="Countess", credit=10)

    assert answer.status_code == HTTPStatus.ACCEPTED
    assert (ada.account.nickname, ada.account.credit) == ("", 0)


def test_a_column_that_was_opted_in_is_written(ada, settings):
    settings.CRUDAUTH_REGISTER_EXTRA_FIELDS = ["nickname"]

    ada.register(nickname="Countess", credit=10)

    assert (ada.account.nickname, ada.account.credit) == ("Countess", 0)


def test_a_column_that_was_opted_in_is_validated(ada, settings):
    settings.CRUDAUTH_REGISTER_EXTRA_FIELDS = ["nickname"]

    answer = ada.register(nickname="x" * 41)

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert list(answer.data) == ["nickname"]


def test_a_column_of_privilege_that_was_opted_in_is_ignored(ada, bob, settings):
    settings.CRUDAUTH_REGISTER_EXTRA_FIELDS = [*PRIVILEGED, "nickname"]
    loot = dict.fromkeys(PRIVILEGED, True) | {
        "auth_epoch": 7,
        "date_joined": "2000-01-01T00:00:00Z",
        "groups": [],
        "id": 1000,
        "is_active": False,
        "last_login": "2000-01-01T00:00:00Z",
        "user_permissions": [],
        f"{user_shape().factor}_pending": bob.factor,
    }

    answer = ada.browser.post(
        "/register", {**loot, **ada.values, "password": PASSWORD, "nickname": "A"}
    )

    account = ada.account
    assert answer.status_code == HTTPStatus.ACCEPTED
    assert account.nickname == "A"
    assert (account.is_staff, account.is_superuser) == (False, False)
    assert (account.is_active, account.auth_epoch, account.last_login) == (
        True,
        0,
        None,
    )
    assert account.date_joined.year > 2000
    assert account.pk != loot["id"]
    assert (account.pending_value, account.is_recovery_verified) == (None, False)


@pytest.mark.parametrize("name", PRIVILEGED)
def test_a_check_says_so(settings, name):
    settings.CRUDAUTH_REGISTER_EXTRA_FIELDS = [name]

    assert [problem.id for problem in check_registration()] == ["crudauth.E025"]


def test_opting_in_the_factor_tells_nothing(ada, bob, settings):
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


def test_the_server_sets_columns_of_its_own(ada, settings):
    settings.CRUDAUTH_NEW_USER_FIELDS = staff

    ada.register(credit=1000, is_staff=False)

    assert (ada.account.is_staff, ada.account.credit) == (True, 10)


def test_a_serializer_of_the_project_asks_for_more(ada, settings):
    settings.CRUDAUTH_REGISTER_SERIALIZER = f"{__name__}.WithInvitation"
    settings.CRUDAUTH_NEW_USER_FIELDS = f"{__name__}.invited"

    without = ada.register()
    wrong = ada.register(invitation="please")
    right = ada.register(invitation="sesame", nickname="Countess")

    assert [a.status_code for a in (without, wrong)] == [HTTPStatus.BAD_REQUEST] * 2
    assert [list(a.data) for a in (without, wrong)] == [["invitation"]] * 2
    assert right.status_code == HTTPStatus.ACCEPTED
    assert (ada.account.nickname, ada.account.credit) == ("Countess", len("sesame"))


def test_not_even_a_serializer_of_the_project_writes_privilege(ada, settings):
    settings.CRUDAUTH_REGISTER_SERIALIZER = f"{__name__}.WithInvitation"

    answer = ada.register(invitation="sesame", is_staff=True)

    assert answer.status_code == HTTPStatus.ACCEPTED
    assert not ada.account.is_staff


def test_a_taken_column_is_refused_whether_or_not_the_factor_is_free(
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


def test_where_registration_is_closed_nobody_registers(ada, settings, outbox):
    settings.CRUDAUTH_REGISTRATION_OPEN = False

    answer = ada.register()

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert answer.data["code"] == "registration_closed"
    assert not user_model().objects.exists()
    assert outbox == []
