"""Hashers for ``PASSWORD_HASHERS``; each hashes as its parent does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from django.conf import global_settings
from django.conf import settings as django_settings
from django.contrib.auth.hashers import Argon2PasswordHasher, MD5PasswordHasher
from django.core.signals import setting_changed

from crudauth_django.users import user_model

COUNTING = "tests.support.hashers.CountingHasher"
REPLACING = "tests.support.hashers.ReplacingHasher"


class CountingHasher(Argon2PasswordHasher):
    """Lists every hash that it makes, to store or to compare."""

    time_cost = 1
    memory_cost = 64
    parallelism = 1
    made: ClassVar[list[str]] = []

    def encode(self, password, salt):
        self.made.append("encode")
        return super().encode(password, salt)

    def verify(self, password, encoded):
        self.made.append("verify")
        return super().verify(password, encoded)


class ReplacingHasher(MD5PasswordHasher):
    """Replaces every stored password while it makes a hash."""

    algorithm = "replacing"

    def encode(self, password, salt):
        user_model().objects.update(password="another")
        return super().encode(password, salt)


@contextmanager
def default_hashers() -> Iterator[None]:
    """Behave as a project without ``PASSWORD_HASHERS``."""
    project = django_settings._wrapped
    chosen = project.PASSWORD_HASHERS
    change = {"sender": None, "setting": "PASSWORD_HASHERS", "enter": True}
    project._explicit_settings.remove("PASSWORD_HASHERS")
    django_settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS
    setting_changed.send(**change, value=None)
    try:
        yield
    finally:
        project._explicit_settings.add("PASSWORD_HASHERS")
        django_settings.PASSWORD_HASHERS = chosen
        setting_changed.send(**change, value=chosen)
