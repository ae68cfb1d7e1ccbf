"""Registration, login, logout and passwords, for every shape."""

import io
from http import HTTPStatus

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command

from crudauth_django.identity.normalize import to_text
from crudauth_django.security import lockout
from crudauth_django.users import user_model, user_shape
from tests.support.client import NEW_PASSWORD, PASSWORD, Browser

pytestmark = pytest.mark.django_db

#: The status of a registration: 202 if a message is sent, 201 otherwise.
REGISTERED = HTTPStatus.ACCEPTED if user_shape().factor else HTTPStatus.CREATED


def test_makemigrations_finds_no_changes():
    output = io.StringIO()

    call_command("makemigrations", "--check", "--dry-run", stdout=output)

    assert "No changes detected" in output.getvalue()


def test_system_checks_report_no_issues():
    output = io.StringIO()

    call_command("check", "--fail-level", "WARNING", stdout=output)

    assert "no issues" in output.getvalue()


def test_registration_stores_normalized_values(ada):
    typed = {name: ada.typed(name) for name in user_shape().columns}

    response = ada.register(**typed)

    assert response.status_code == REGISTERED
    assert {n: to_text(getattr(ada.account, n)) for n in ada.values} == ada.values


@pytest.mark.parametrize("missing", [*user_shape().columns, "password"])
def test_registration_names_missing_required_field(ada, missing):
    optional = (
        user_model()._meta.get_field(missing).null and missing != user_shape().factor
    )
    body = {**ada.values, "password": PASSWORD}
    del body[missing]

    response = ada.browser.post("/register", body)

    assert response.status_code == (REGISTERED if optional else HTTPStatus.BAD_REQUEST)
    assert optional or list(response.data) == [missing]


@pytest.mark.parametrize("identifier", user_shape().identifiers)
def test_login_accepts_every_form_of_every_identifier(ada, identifier):
    ada.register()

    for text in (ada.stored(identifier), ada.typed(identifier)):
        response = Browser().log_in(text)

        assert response.status_code == HTTPStatus.OK
        assert response.data["id"] == ada.account.pk
        assert response.data["username"] == ada.stored(user_shape().identifiers[0])


@pytest.mark.parametrize("identifier", user_shape().identifiers)
def test_authenticate_accepts_every_identifier(ada, identifier):
    ada.register()

    user = authenticate(None, username=ada.typed(identifier), password=PASSWORD)

    assert user == ada.account


def test_wrong_password_and_unknown_name_get_same_response(ada, bob):
    ada.register()

    wrong = ada.log_in("not the password")
    unknown = bob.log_in()

    assert wrong.status_code == HTTPStatus.UNAUTHORIZED
    assert (wrong.data, wrong.status_code) == (unknown.data, unknown.status_code)


def test_me_returns_values_of_account(unverified_ada):
    response = unverified_ada.browser.get("/me")

    expected = {"id": unverified_ada.account.pk, **unverified_ada.values}
    if user_shape().factor:
        expected[user_shape().verified] = False
    assert response.data == expected


def test_me_without_session_is_refused(db):
    assert Browser().get("/me").status_code == HTTPStatus.UNAUTHORIZED


def test_logout_ends_session(unverified_ada):
    response = unverified_ada.browser.post("/logout")

    assert response.status_code == HTTPStatus.OK
    assert unverified_ada.browser.get("/me").status_code == HTTPStatus.UNAUTHORIZED


def test_registration_ignores_protected_fields(ada):
    protected = {
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

    response = ada.browser.post(
        "/register", {**protected, **ada.values, "password": PASSWORD}
    )

    account = ada.account
    assert response.status_code == REGISTERED
    assert (account.is_staff, account.is_superuser, account.is_active) == (
        False,
        False,
        True,
    )
    assert (account.auth_epoch, account.last_login) == (0, None)
    assert not account.is_recovery_verified
    assert not account.groups.exists()
    assert account.pk != protected["id"]


def test_password_change_ends_other_sessions_only(unverified_ada):
    elsewhere = Browser()
    elsewhere.log_in(unverified_ada.own_identifier)

    response = unverified_ada.browser.post(
        "/change-password",
        {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
    )

    assert response.status_code == HTTPStatus.OK
    assert unverified_ada.browser.get("/me").status_code == HTTPStatus.OK
    assert elsewhere.get("/me").status_code == HTTPStatus.UNAUTHORIZED
    assert unverified_ada.log_in().status_code == HTTPStatus.UNAUTHORIZED
    assert unverified_ada.log_in(NEW_PASSWORD).status_code == HTTPStatus.OK


def test_wrong_current_password_changes_nothing(unverified_ada):
    response = unverified_ada.browser.post(
        "/change-password",
        {"current_password": "not the password", "new_password": NEW_PASSWORD},
    )

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert list(response.data) == ["current_password"]
    assert unverified_ada.log_in().status_code == HTTPStatus.OK


def test_password_similar_to_own_value_is_refused(ada):
    longest = max(ada.values, key=lambda name: len(ada.values[name]))

    response = ada.register(password=ada.stored(longest) + "1")

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert list(response.data) == ["password"]
    assert not user_model().objects.exists()


def test_guesses_under_different_identifiers_share_lockout(ada):
    ada.register()
    names = [ada.typed(n) for n in user_shape().identifiers]
    names += [ada.stored(n) for n in user_shape().identifiers]

    for guess in range(5):
        Browser().log_in(names[guess % len(names)], "not the password")

    assert all(Browser().log_in(n).status_code != HTTPStatus.OK for n in names)


def test_known_device_logs_in_while_other_clients_guess(ada):
    ada.register()
    ada.log_in()
    names = [ada.stored(n) for n in user_shape().identifiers]

    for guess in range(6):
        address = f"192.0.2.{guess // 2}"
        Browser().log_in(names[guess % len(names)], "wrong", REMOTE_ADDR=address)

    unknown = Browser().log_in(ada.own_identifier, REMOTE_ADDR="192.0.2.99")
    assert unknown.status_code == HTTPStatus.UNAUTHORIZED
    assert ada.log_in().status_code == HTTPStatus.OK


def test_unlock_ends_locks_under_every_identifier(ada):
    ada.register()
    names = [ada.stored(n) for n in user_shape().identifiers]
    for name in names * 6:
        Browser().log_in(name, "wrong")

    lockout.unlock(ada.account)

    assert [Browser().log_in(name).status_code for name in names] == [
        HTTPStatus.OK
    ] * len(names)


def test_createsuperuser_without_prompts_creates_superuser(ada):
    model = user_model()
    fields = [model.USERNAME_FIELD, *model.REQUIRED_FIELDS]

    call_command(
        "createsuperuser",
        "--noinput",
        *(f"--{name}={ada.stored(name)}" for name in fields),
        verbosity=0,
    )

    assert model.objects.get(is_superuser=True).is_staff
    assert model.objects.get_by_natural_key(ada.typed(fields[0])).is_superuser


def test_str_of_account_falls_back_to_primary_key(ada):
    ada.register()
    without_values = user_model()(pk=ada.account.pk)

    assert str(ada.account) == ada.stored(user_shape().identifiers[0])
    assert str(without_values) == f"#{ada.account.pk}"
