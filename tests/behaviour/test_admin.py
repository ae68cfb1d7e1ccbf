"""The admin and ``createsuperuser``, for whatever shape."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.contrib import admin
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from crudauth_django.users import user_model, user_shape
from tests.support.client import PASSWORD
from tests.support.people import VALUES

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(eve):
    """A browser in which somebody who may do everything is signed in."""
    browser = Client()
    browser.force_login(
        user_model().objects.create_superuser(password=PASSWORD, **eve.values)
    )
    return browser


def page(name: str, *args: object) -> str:
    meta = user_model()._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{name}", args=args)


def typed(person) -> dict[str, str]:
    return {name: person.typed(name) for name in user_shape().columns}


def new_account(person) -> dict[str, str]:
    secrets = {"password1": PASSWORD, "password2": PASSWORD}
    return {**typed(person), **secrets, "usable_password": "true"}


def kept(person) -> dict[str, str]:
    """The columns of the project's own that the form wants back."""
    own = {"nickname": "", "credit": "0"}
    columns = {name: own[name] for name in own if hasattr(user_model(), name)}
    return {**typed(person), **columns, "is_active": "on"}


def test_the_admin_of_this_shape_has_no_problem():
    assert list(admin.site.get_model_admin(user_model()).check()) == []


def test_an_account_is_added_and_can_log_in(desk, ada):
    response = desk.post(page("add"), new_account(ada))

    assert response.status_code == HTTPStatus.FOUND
    assert ada.log_in().status_code == HTTPStatus.OK


def test_whoever_is_there_is_an_error_of_the_form(desk, ada):
    desk.post(page("add"), new_account(ada))
    response = desk.post(page("add"), new_account(ada))

    errors = response.context["adminform"].form.errors
    assert response.status_code == HTTPStatus.OK
    assert set(errors) == set(user_shape().columns)


def test_another_spelling_is_no_change(desk, ada):
    desk.post(page("add"), new_account(ada))
    before = ada.account

    response = desk.post(page("change", before.pk), kept(ada))

    assert response.status_code == HTTPStatus.FOUND
    assert ada.account.auth_epoch == before.auth_epoch


def test_every_page_opens(desk, ada):
    desk.post(page("add"), new_account(ada))
    key = ada.account.pk
    paths = [
        page("changelist"),
        page("add"),
        page("change", key),
        page("history", key),
        page("delete", key),
        reverse("admin:auth_user_password_change", args=[key]),
    ]

    assert {desk.get(path).status_code for path in paths} == {HTTPStatus.OK}


@pytest.mark.parametrize("column", user_shape().columns)
def test_search_finds_any_spelling(desk, ada, column):
    desk.post(page("add"), new_account(ada))

    response = desk.get(page("changelist"), {"q": ada.typed(column)})

    assert [u.pk for u in response.context["cl"].result_list] == [ada.account.pk]


def flags(person) -> list[str]:
    names = [user_model().USERNAME_FIELD, *user_model().REQUIRED_FIELDS]
    return [f"--{name}={person.typed(name).strip()}" for name in names]


def test_createsuperuser_takes_this_shape(ada, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)

    call_command("createsuperuser", "--noinput", *flags(ada), verbosity=0)

    root = user_model().objects.get_by_natural_key(
        VALUES[user_model().USERNAME_FIELD][ada.number].stored
    )
    assert root.is_superuser
    assert root.is_staff
    assert root.check_password(PASSWORD)


def test_createsuperuser_says_who_is_there_already(ada, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", *flags(ada), verbosity=0)

    with pytest.raises(CommandError, match="already taken"):
        call_command("createsuperuser", "--noinput", *flags(ada), verbosity=0)
