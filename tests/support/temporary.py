"""A user model that replaces the project's for one test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import connection
from django.test import override_settings

from crudauth_django.models import AbstractAuthUser

APP = "phone"
NAME = "Temporary"


def declare(
    bases: tuple[type, ...] = (AbstractAuthUser,), **attrs: Any
) -> type[AbstractAuthUser]:
    """Declare a user model; it stays in the registry until :func:`retract`."""
    # Without the relations of PermissionsMixin nothing else changes with it.
    meta = type("Meta", (), {"app_label": APP})
    body = {"__module__": __name__, "Meta": meta, "groups": None} | attrs
    return type(AbstractAuthUser)(NAME, bases, {"user_permissions": None} | body)


def retract() -> None:
    apps.all_models[APP].pop(NAME.lower(), None)
    apps.clear_cache()


@contextmanager
def declared(**attrs: Any) -> Iterator[type[AbstractAuthUser]]:
    """Make a user model of these attributes the project's, without a table."""
    try:
        model = declare(**attrs)
        with override_settings(AUTH_USER_MODEL=f"{APP}.{NAME}"):
            yield model
    finally:
        retract()


@contextmanager
def installed(**attrs: Any) -> Iterator[type[AbstractAuthUser]]:
    """Make a user model of these attributes the project's, table and all."""
    with declared(**attrs) as model:
        with connection.schema_editor() as editor:
            editor.create_model(model)
        try:
            yield model
        finally:
            with connection.schema_editor() as editor:
                editor.delete_model(model)
