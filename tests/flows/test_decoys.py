"""Decoys in the tables of models that inherit other models, or have other keys."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from crudauth_django.flows.decoys import (
    decoy_value,
    delete_decoy,
    insert_decoy,
    make_decoy,
)
from crudauth_django.flows.registration import register
from crudauth_django.models import AbstractAuthUser
from tests.support.client import PASSWORD
from tests.support.temporary import APP, declared, installed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def discarded(settings) -> None:
    """Leave only the work of the request."""
    settings.CRUDAUTH_DISPATCHER = "tests.support.dispatchers.DiscardingDispatcher"


@contextmanager
def inherited(*, account_is_parent: bool) -> Iterator[list[type[models.Model]]]:
    """Install a user model in two tables; yields the models, parents first."""
    meta = type("Meta", (), {"app_label": APP})
    bare = {"__module__": __name__, "Meta": meta}
    account = bare | {
        "LOGIN_IDENTIFIERS": ("email",),
        "RECOVERY_FACTOR": "email",
        "groups": None,
        "user_permissions": None,
    }
    kind = type(AbstractAuthUser)
    if account_is_parent:
        first: Any = kind("First", (AbstractAuthUser,), account)
        last: Any = kind("Last", (first,), bare | {"note": models.TextField()})
    else:
        note = {"note": models.TextField()}
        first = type(models.Model)("First", (models.Model,), bare | note)
        last = kind("Last", (AbstractAuthUser, first), account)
    try:
        with connection.schema_editor() as editor:
            editor.create_model(first)
            editor.create_model(last)
        with override_settings(AUTH_USER_MODEL=f"{APP}.Last"):
            yield [first, last]
        with connection.schema_editor() as editor:
            editor.delete_model(last)
            editor.delete_model(first)
    finally:
        for name in ("first", "last"):
            apps.all_models[APP].pop(name, None)
        apps.clear_cache()


@pytest.mark.parametrize("account_is_parent", [False, True])
def test_decoy_spends_key_of_every_table(account_is_parent):
    with inherited(account_is_parent=account_is_parent) as (first, last):
        seen = []
        for value in ("ada@example.com", "ada@example.com", "bob@example.com"):
            with CaptureQueriesContext(connection) as queries:
                register(values={"email": value}, password=PASSWORD)
            verbs = [q["sql"].split()[:3] for q in queries.captured_queries]
            seen.append([v for v in verbs if v[0] in {"INSERT", "DELETE"}])

        assert [len(first.objects.all()), len(last.objects.all())] == [2, 2]
        assert list(last.objects.order_by("pk").values_list("pk", flat=True)) == [1, 3]
        assert seen[0] == seen[1] == seen[2]
        assert [v[0] for v in seen[0]] == ["INSERT", "INSERT", "DELETE", "DELETE"]


def test_decoy_with_uuid_key_is_deleted():
    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    attrs = {"LOGIN_IDENTIFIERS": ("email",), "RECOVERY_FACTOR": "email"}
    with installed(id=key, **attrs) as model:
        for _time in range(2):
            register(values={"email": "ada@example.com"}, password=PASSWORD)

        assert model.objects.count() == 1


def test_deleting_decoy_keeps_account():
    with installed(LOGIN_IDENTIFIERS=("email",), RECOVERY_FACTOR="email") as model:
        ada = model.objects.create_user(email="ada@example.com", password=PASSWORD)
        decoy = make_decoy(model(email="ada@example.com"), ["email"])
        insert_decoy(decoy)

        delete_decoy(ada)
        both = model.objects.count()
        delete_decoy(decoy)

        assert both == 2
        assert list(model.objects.all()) == [ada]


class BadgeField(models.CharField):
    """A field of a project, with a constraint of its own."""


@decoy_value.register
def _badge(field: BadgeField) -> str:
    return f"b-{secrets.token_hex(8)}"


def test_field_of_own_type_gets_registered_decoy():
    attrs = {"LOGIN_IDENTIFIERS": ("badge",), "RECOVERY_FACTOR": "badge"}
    with declared(badge=BadgeField(max_length=20, unique=True), **attrs) as model:
        decoy = make_decoy(model(badge="b-1"), ["badge"])

    assert re.fullmatch("b-[0-9a-f]{16}", decoy.badge)
