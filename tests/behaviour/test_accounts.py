"""Registering, logging in and out, and the password, whatever the shape."""

import io
from http import HTTPStatus

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command

from crudauth_django.identity.normalize import to_text
from crudauth_django.users import user_model, user_shape
from tests.support.client import NEW_PASSWORD, PASSWORD, Browser

pytestmark = pytest.mark.django_db

#: A registration that leaves a message answers 202, any other 201.
REGISTERED = HTTPStatus.ACCEPTED if user_shape().factor else HTTPStatus.CREATED


def test_a_second_run_of_makemigrations_finds_nothing():
    said = io.StringIO()

    call_command("makemigrations", "--check", "--dry-run", stdout=said)

    assert "No changes detected" in said.getvalue()


def test_the_shape_contradicts_nothing():
    said = io.StringIO()

    call_command("check", "--fail-level", "WARNING", stdout=said)

    assert "no issues" in said.getvalue()


def test_an_account_is_stored_in_its_one_spelling(ada):
    typed = {name: ada.typed(name) for name in user_shape().columns}

    answer = ada.register(**typed)

    assert answer.status_code == REGISTERED
    assert {n: to_text(getattr(ada.account, n)) for n in ada.values} == ada.values


@pytest.mark.parametrize("missing", [*user_shape().columns, "password"])
def test_a_missing_field_is_named(ada, missing):
    optional = (
        user_model()._meta.get_field(missing).null and missing != user_shape().factor
    )
    body = {**ada.values, "password": PASSWORD}
    del body[missing]

    answer = ada.browser.post("/register", body)

    assert answer.status_code == (REGISTERED if optional else HTTPStatus.BAD_REQUEST)
    assert optional or list(answer.data) == [missing]


@pytest.mark.parametrize("identifier", user_shape().identifiers)
def test_every_identifier_logs_in_in_every_spelling(ada, identifier):
    ada.register()

    for text in (ada.stored(identifier), ada.typed(identifier)):
        answer = Browser().log_in(text)

        assert answer.status_code == HTTPStatus.OK
        assert answer.data["id"] == ada.account.pk
        assert answer.data["username"] == ada.stored(user_shape().identifiers[0])


@pytest.mark.parametrize("identifier", user_shape().identifiers)
def test_django_authenticates_by_every_identifier(ada, identifier):
    ada.register()

    user = authenticate(None, username=ada.typed(identifier), password=PASSWORD)

    assert user == ada.account


def test_a_wrong_password_and_an_unknown_name_are_answered_alike(ada, bob):
    ada.register()

    wrong = ada.log_in("not the password")
    unknown = bob.log_in()

    assert wrong.status_code == HTTPStatus.UNAUTHORIZED
    assert (wrong.data, wrong.status_code) == (unknown.data, unknown.status_code)


def test_me_tells_the_account_what_it_is(unverified_ada):
    answer = unverified_ada.browser.get("/me")

    expected = {"id": unverified_ada.account.pk, **unverified_ada.values}
    if user_shape().factor:
        expected[user_shape().verified] = False
    assert answer.data == expected


def test_a_stranger_is_nobody(db):
    assert Browser().get("/me").status_code == HTTPStatus.UNAUTHORIZED


def test_logging_out_ends_the_session(unverified_ada):
    answer = unverified_ada.browser.post("/logout")

    assert answer.status_code == HTTPStatus.OK
    assert unverified_ada.browser.get("/me").status_code == HTTPStatus.UNAUTHORIZED


def test_no_request_writes_a_column_of_privilege(ada):
    loot = {
        "is_staff": True,
        "is_superuser": True,
        "is_active": False,
        "auth_epoch": 7,
        "id": 1000,
        "groups": [1],
        "last_login": "2020-01-01T00:00:00Z",
        f"{user_shape().factor}_verified": True,
        f"{user_shape().factor}_pending": ada.stored(user_shape().columns[-1]),
    }

    answer = ada.browser.post("/register", {**loot, **ada.values, "password": PASSWORD})

    account = ada.account
    assert answer.status_code == REGISTERED
    assert (account.is_staff, account.is_superuser, account.is_active) == (
        False,
        False,
        True,
    )
    assert (account.auth_epoch, account.last_login) == (0, None)
    assert not account.is_recovery_verified
    assert not account.groups.exists()
    assert account.pk != loot["id"]


def test_changing_the_password_ends_the_other_sessions_only(unverified_ada):
    elsewhere = Browser()
    elsewhere.log_in(unverified_ada.own_identifier)

    answer = unverified_ada.browser.post(
        "/change-password",
        {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
    )

    assert answer.status_code == HTTPStatus.OK
    assert unverified_ada.browser.get("/me").status_code == HTTPStatus.OK
    assert elsewhere.get("/me").status_code == HTTPStatus.UNAUTHORIZED
    assert unverified_ada.log_in().status_code == HTTPStatus.UNAUTHORIZED
    assert unverified_ada.log_in(NEW_PASSWORD).status_code == HTTPStatus.OK


def test_a_wrong_current_password_changes_nothing(unverified_ada):
    answer = unverified_ada.browser.post(
        "/change-password",
        {"current_password": "not the password", "new_password": NEW_PASSWORD},
    )

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert list(answer.data) == ["current_password"]
    assert unverified_ada.log_in().status_code == HTTPStatus.OK


def test_a_password_like_ones_own_values_is_refused(ada):
    longest = max(ada.values, key=lambda name: len(ada.values[name]))

    answer = ada.register(password=ada.stored(longest) + "1")

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert list(answer.data) == ["password"]
    assert not user_model().objects.exists()


def test_five_wrong_guesses_lock_whatever_identifier_they_name(ada):
    ada.register()
    names = [ada.typed(n) for n in user_shape().identifiers]
    names += [ada.stored(n) for n in user_shape().identifiers]

    for guess in range(5):
        Browser().log_in(names[guess % len(names)], "not the password")

    assert all(Browser().log_in(n).status_code != HTTPStatus.OK for n in names)


def test_a_superuser_of_this_shape_can_be_made_without_questions(ada):
    model = user_model()
    asked = [model.USERNAME_FIELD, *model.REQUIRED_FIELDS]

    call_command(
        "createsuperuser",
        "--noinput",
        *(f"--{name}={ada.stored(name)}" for name in asked),
        verbosity=0,
    )

    assert model.objects.get(is_superuser=True).is_staff
    assert model.objects.get_by_natural_key(ada.typed(asked[0])).is_superuser


def test_an_account_can_be_shown_as_text_whatever_it_lacks(ada):
    ada.register()
    nameless = user_model()(pk=ada.account.pk)

    assert str(ada.account) == ada.stored(user_shape().identifiers[0])
    assert str(nameless) == f"#{ada.account.pk}"
