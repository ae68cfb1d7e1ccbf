"""The admin and ``createsuperuser``, for every shape."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from crudauth_django.identity.normalize import is_personal
from crudauth_django.users import field_of, user_model, user_shape
from tests.support.client import PASSWORD
from tests.support.people import VALUES

pytestmark = pytest.mark.django_db


@pytest.fixture
def superuser_client(eve):
    """A client with the session of a superuser."""
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


def add_form(person) -> dict[str, str]:
    secrets = {"password1": PASSWORD, "password2": PASSWORD}
    return {**typed(person), **secrets, "usable_password": "true"}


def change_form(person) -> dict[str, str]:
    """The values of the change form, with those of the project's own columns."""
    own = {"nickname": "", "credit": "0"}
    columns = {name: own[name] for name in own if hasattr(user_model(), name)}
    return {**typed(person), **columns, "is_active": "on"}


def test_model_admin_passes_django_checks():
    assert list(admin.site.get_model_admin(user_model()).check()) == []


def test_account_added_in_admin_can_log_in(superuser_client, ada):
    response = superuser_client.post(page("add"), add_form(ada))

    assert response.status_code == HTTPStatus.FOUND
    assert ada.log_in().status_code == HTTPStatus.OK


def test_adding_existing_account_shows_form_errors(superuser_client, ada):
    superuser_client.post(page("add"), add_form(ada))
    response = superuser_client.post(page("add"), add_form(ada))

    errors = response.context["adminform"].form.errors
    assert response.status_code == HTTPStatus.OK
    assert set(errors) == set(user_shape().columns)


def test_saving_other_form_of_values_leaves_auth_epoch(superuser_client, ada):
    superuser_client.post(page("add"), add_form(ada))
    before = ada.account

    response = superuser_client.post(page("change", before.pk), change_form(ada))

    assert response.status_code == HTTPStatus.FOUND
    assert ada.account.auth_epoch == before.auth_epoch


def test_admin_pages_open(superuser_client, ada):
    superuser_client.post(page("add"), add_form(ada))
    key = ada.account.pk
    paths = [
        page("changelist"),
        page("add"),
        page("change", key),
        page("history", key),
        page("delete", key),
        reverse("admin:auth_user_password_change", args=[key]),
    ]

    assert {superuser_client.get(path).status_code for path in paths} == {HTTPStatus.OK}


@pytest.mark.parametrize("column", user_shape().columns)
def test_admin_search_normalizes_query(superuser_client, ada, column):
    superuser_client.post(page("add"), add_form(ada))

    response = superuser_client.get(page("changelist"), {"q": ada.typed(column)})

    assert [u.pk for u in response.context["cl"].result_list] == [ada.account.pk]


def stored_texts() -> set[str]:
    """Return every text of the admin's history."""
    rows = LogEntry.objects.values_list("object_repr", "change_message")
    return {text for row in rows for text in row}


def personal_columns() -> list[str]:
    """Return the columns whose values identify a person."""
    shape = user_shape()
    return [n for n in shape.columns if n == shape.factor or is_personal(field_of(n))]


def test_history_of_admin_has_no_personal_value(superuser_client, ada):
    superuser_client.post(page("add"), add_form(ada))
    key = ada.account.pk
    superuser_client.post(page("change", key), {**change_form(ada), "is_staff": "on"})
    superuser_client.post(
        page("changelist"), {"action": "unlock", "_selected_action": [key]}
    )
    superuser_client.post(page("delete", key), {"post": "yes"})

    stored = stored_texts()
    assert LogEntry.objects.filter(object_id=key).count() == 4
    for column in personal_columns():
        assert [text for text in stored if ada.stored(column) in text] == []
    named_by = user_shape().identifiers[0]
    name = f"#{key}" if named_by in personal_columns() else ada.stored(named_by)
    assert name in stored


def test_history_of_deleted_selection_has_no_personal_value(superuser_client, ada):
    superuser_client.post(page("add"), add_form(ada))
    key = ada.account.pk

    superuser_client.post(
        page("changelist"),
        {"action": "delete_selected", "_selected_action": [key], "post": "yes"},
    )

    stored = stored_texts()
    assert not user_model().objects.filter(pk=key).exists()
    for column in personal_columns():
        assert [text for text in stored if ada.stored(column) in text] == []


def createsuperuser_options(person) -> list[str]:
    names = [user_model().USERNAME_FIELD, *user_model().REQUIRED_FIELDS]
    return [f"--{name}={person.typed(name).strip()}" for name in names]


def test_createsuperuser_normalizes_values(ada, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)

    call_command(
        "createsuperuser", "--noinput", *createsuperuser_options(ada), verbosity=0
    )

    root = user_model().objects.get_by_natural_key(
        VALUES[user_model().USERNAME_FIELD][ada.number].stored
    )
    assert root.is_superuser
    assert root.is_staff
    assert root.check_password(PASSWORD)


def test_createsuperuser_refuses_existing_account(ada, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command(
        "createsuperuser", "--noinput", *createsuperuser_options(ada), verbosity=0
    )

    with pytest.raises(CommandError, match="already taken"):
        call_command(
            "createsuperuser", "--noinput", *createsuperuser_options(ada), verbosity=0
        )
