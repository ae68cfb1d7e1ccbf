"""Do the settings say what they mean, and is the door shut?"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.cache import InvalidCacheBackendError, caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from rest_framework import serializers

from crudauth_django.backends import IdentifierBackend
from crudauth_django.checks.loading import build, parsed
from crudauth_django.conf.settings import (
    PREFIX,
    get_settings,
    parse_setting,
    setting_names,
)
from crudauth_django.counters.base import CounterStore
from crudauth_django.counters.in_cache import CacheCounters
from crudauth_django.identity.passwords import preferred_hasher
from crudauth_django.models import AbstractAuthUser
from crudauth_django.users import protected_fields, writable_fields


@checks.register("crudauth")
def check_settings(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check every ``CRUDAUTH_*`` setting: known, and well-formed."""
    known = setting_names()
    return [*_unknown(known), *_malformed(known)]


def _unknown(known: dict[str, str]) -> Iterator[checks.CheckMessage]:
    for name in dir(settings):
        if name.startswith(PREFIX) and name not in known:
            yield checks.Error(
                f"{name} is not a setting.",
                hint=f"The settings are: {', '.join(sorted(known))}.",
                id="crudauth.E020",
            )


def _malformed(known: dict[str, str]) -> Iterator[checks.CheckMessage]:
    for name in known:
        try:
            parse_setting(name)
        except ImproperlyConfigured as error:
            yield checks.Error(str(error), hint=f"Correct {name}.", id="crudauth.E021")


@checks.register("crudauth")
def check_hasher(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check that Argon2 is there, unless the project hashes otherwise."""
    if preferred_hasher() == "default" or find_spec("argon2"):
        return []
    return [
        checks.Error(
            "Passwords are hashed with Argon2, and argon2-cffi is not installed.",
            hint="Install argon2-cffi, or set PASSWORD_HASHERS.",
            id="crudauth.E022",
        )
    ]


@checks.register("crudauth")
def check_backend(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check that every door is behind the lockout."""
    try:
        listed = [import_string(path) for path in settings.AUTHENTICATION_BACKENDS]
    except ImportError:
        return []  # Django says so itself
    if any(issubclass(backend, IdentifierBackend) for backend in listed):
        return []
    admin = "the admin and " if apps.is_installed("django.contrib.admin") else ""
    return [
        checks.Warning(
            "IdentifierBackend is not in AUTHENTICATION_BACKENDS: "
            f"{admin}authenticate() know neither your identifiers nor the lockout.",
            hint='Put "crudauth_django.backends.IdentifierBackend" first.',
            id="crudauth.W010",
        )
    ]


@checks.register("crudauth")
def check_middleware(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check for the middleware that sessions and CSRF need."""
    wanted = (
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    )
    try:
        listed = [import_string(path) for path in settings.MIDDLEWARE]
    except ImportError:
        return []  # Django says so itself
    return [
        checks.Error(
            f"{path} is not in MIDDLEWARE.",
            hint="/login opens sessions, and they are protected by CSRF tokens.",
            id="crudauth.E023",
        )
        for path in wanted
        if not _lists(listed, import_string(path))
    ]


def _lists(listed: list[Any], wanted: type) -> bool:
    return any(isinstance(kind, type) and issubclass(kind, wanted) for kind in listed)


@checks.register("crudauth")
def check_registration(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check what ``/register`` writes, and which serializers the API uses."""
    try:
        options = get_settings()
    except ImproperlyConfigured:
        return []
    found = [
        *_check_serializer("CRUDAUTH_REGISTER_SERIALIZER", options.register_serializer),
        *_check_serializer("CRUDAUTH_ACCOUNT_SERIALIZER", options.account_serializer),
    ]
    if not issubclass(get_user_model(), AbstractAuthUser):
        return found  # crudauth.E001 says so
    extras = options.register_extra_fields
    return [*found, *(message for name in extras for message in _check_extra(name))]


def _check_serializer(setting: str, path: str) -> Iterator[checks.CheckMessage]:
    try:
        chosen = import_string(path)
    except ImportError as error:
        yield checks.Error(
            f"The class in {setting} can't be imported: {error}",
            hint="Correct the path.",
            id="crudauth.E024",
        )
        return
    if not (isinstance(chosen, type) and issubclass(chosen, serializers.Serializer)):
        yield checks.Error(
            f"The object in {setting}, {path!r}, is not a serializer class.",
            hint="Inherit RegisterSerializer or AccountSerializer "
            "of crudauth_django.api.serializers.",
            id="crudauth.E031",
        )


def _check_extra(name: str) -> Iterator[checks.CheckMessage]:
    if name in protected_fields():
        yield checks.Error(
            f"CRUDAUTH_REGISTER_EXTRA_FIELDS opts in {name!r}, "
            "which no request may write.",
            hint="Set it on the server: CRUDAUTH_NEW_USER_FIELDS.",
            id="crudauth.E025",
        )
    elif name not in writable_fields():
        yield checks.Error(
            f"CRUDAUTH_REGISTER_EXTRA_FIELDS names {name!r}, "
            "and the user model has no such column.",
            hint="Declare the field, or take the name out.",
            id="crudauth.E026",
        )


@checks.register("crudauth")
def check_counters(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check that counts are shared, and increments atomic."""
    backend = parsed("CRUDAUTH_COUNTERS")
    if backend is None:
        return []
    store = build(backend.build)
    if isinstance(store, Exception):
        return [
            checks.Error(
                f"CRUDAUTH_COUNTERS can't be used: {store}",
                hint="Name a CounterStore and its OPTIONS.",
                id="crudauth.E027",
            )
        ]
    if not isinstance(store, CounterStore):
        return [
            checks.Error(
                "CRUDAUTH_COUNTERS does not name a CounterStore.",
                hint="Inherit crudauth_django.counters.CounterStore.",
                id="crudauth.E028",
            )
        ]
    return _check_cache(store.alias) if isinstance(store, CacheCounters) else []


def _check_cache(alias: str) -> list[checks.CheckMessage]:
    try:
        cache = caches[alias]
    except (InvalidCacheBackendError, ImportError) as error:
        return [
            checks.Error(
                f"CRUDAUTH_COUNTERS names the cache {alias!r}: {error}",
                hint="Add it to CACHES.",
                id="crudauth.E029",
            )
        ]
    if type(cache).incr is BaseCache.incr:
        return [
            checks.Error(
                f"The cache {alias!r} reads a number and writes it back: "
                "parallel guesses would share one count.",
                hint="Use Redis, Valkey or Memcached, or DatabaseCounters.",
                id="crudauth.E030",
            )
        ]
    if isinstance(cache, LocMemCache):
        return [
            checks.Warning(
                f"The cache {alias!r} is each process's own: "
                "every process grants the full number of tries.",
                hint="Use Redis, Valkey or Memcached, or DatabaseCounters.",
                id="crudauth.W011",
            )
        ]
    return []


@checks.register("crudauth", deploy=True)
def check_limits(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check that guesses and messages have limits."""
    try:
        options = get_settings()
    except ImproperlyConfigured:
        return []
    limits = {
        "CRUDAUTH_LOCKOUT": options.lockout,
        "CRUDAUTH_TARGET_BUDGET": options.target_budget,
    }
    return [
        checks.Warning(
            f"{name} is off.",
            hint="Without it, guesses or messages have no limit but the network's.",
            id="crudauth.W012",
        )
        for name, limit in limits.items()
        if not limit
    ]
