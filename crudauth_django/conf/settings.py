"""Every ``CRUDAUTH_*`` setting, its type and its default, in one place.

Read them with :func:`get_settings`; nothing is copied at import, so
``override_settings`` works everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from crudauth_django.conf.rates import Rate, parse_rates
from crudauth_django.conf.readers import (
    read_backend,
    read_backends,
    read_flag,
    read_frontend,
    read_function,
    read_lockout,
    read_names,
    read_path,
    read_retry,
    read_seconds,
    read_throttles,
    read_whole,
)
from crudauth_django.conf.types import Backend, Lockout, Retry

T = TypeVar("T")

PREFIX = "CRUDAUTH_"


def _option(default: Any, parse: Callable[[Any], Any]) -> Any:
    """Declare a setting: its default as a project would write it, and its parser."""
    return field(metadata={"default": default, "parse": parse})


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The parsed settings; each is named ``CRUDAUTH_`` and its name in capitals."""

    #: The delivery channels: dotted paths, or dicts with ``BACKEND`` and
    #: ``OPTIONS``. Every one that serves a message is used.
    channels: tuple[Backend, ...] = _option((), read_backends)
    #: Where the links in messages lead: a base URL, below which each kind has
    #: its path (``verify``, ``reset``, ``change``), or a dict with a full URL
    #: for each kind. ``""``: channels get no ``link``.
    frontend_url: Mapping[str, str] = _option("", read_frontend)
    #: What carries messages out of the request.
    dispatcher: Backend = _option(
        "crudauth_django.dispatch.ThreadDispatcher", read_backend
    )
    #: Where failures and requests are counted: a table of the database, right
    #: with any number of processes and nothing else to run. Where Redis or
    #: Valkey, or Memcached, is there and counting shall cost the database no
    #: writes, choose ``crudauth_django.counters.CacheCounters`` with
    #: ``OPTIONS``: ``{"alias": "…"}``, the cache's name in ``CACHES``
    #: (``"default"`` if left out). It needs one of these: Django's other caches
    #: don't count right across processes.
    counters: Backend = _option(
        "crudauth_django.counters.DatabaseCounters", read_backend
    )
    #: How long a verification token works.
    verify_max_age: timedelta = _option(timedelta(hours=24), read_seconds)
    #: How long a password reset token works.
    reset_max_age: timedelta = _option(timedelta(hours=1), read_seconds)
    #: How long a token that confirms a new recovery value works.
    change_max_age: timedelta = _option(timedelta(hours=24), read_seconds)
    #: Refuse the login of an account that has not verified its recovery value,
    #: exactly as a wrong password is refused. Superusers, and accounts that have
    #: no recovery value, may log in: no registration makes one.
    login_requires_verified: bool = _option(False, read_flag)  # noqa: FBT003
    #: A dict with any of these, times as ``timedelta``: ``ATTEMPTS``, failures
    #: of one account that lock it (5 if not named); ``NETWORK_ATTEMPTS``, those
    #: of one network (50); ``WINDOW``, how long a failure counts (15 minutes);
    #: ``BASE``, the first lock, each further one being twice the one before
    #: (60 seconds); ``MAX``, the longest lock (1 hour); ``MEMORY``, how long the
    #: number of locks is remembered (24 hours). ``None`` switches it off.
    lockout: Lockout | None = _option({}, read_lockout)
    #: Rates (``count/period``) of ``register``, ``verify_request``,
    #: ``reset_request``, ``change_request`` (per network; ``"30/h"`` each) and
    #: ``change_password`` (per user; ``"10/h"``). Those not named keep these. A
    #: list means all of them, ``None`` none.
    throttles: Mapping[str, tuple[Rate, ...]] = _option({}, read_throttles)
    #: Messages that one recovery value gets, all kinds together.
    target_budget: tuple[Rate, ...] = _option(["5/15m", "10/d"], parse_rates)
    #: When a message that did not go out is tried again. A dict with any of
    #: these, each a ``timedelta``: ``BASE``, the least wait before the second
    #: try (2 seconds if not named); ``MAX``, the longest wait, unless a provider
    #: asks for a longer one (15 minutes); ``LEASE``, how long a worker of a
    #: durable queue may take for one try (5 minutes).
    retry: Retry = _option({}, read_retry)
    #: How many proxies in front of the application append to
    #: ``X-Forwarded-For``.
    trusted_proxies: int = _option(0, read_whole)
    #: Whether ``/register`` creates accounts.
    registration_open: bool = _option(True, read_flag)  # noqa: FBT003
    #: The serializer of ``/register``.
    register_serializer: str = _option(
        "crudauth_django.api.serializers.RegisterSerializer", read_path
    )
    #: Columns of your own that ``/register`` may write.
    register_extra_fields: tuple[str, ...] = _option((), read_names)
    #: A callable (or its dotted path) that gets the cleaned registration as
    #: keywords and returns a dict of columns that the server sets.
    new_user_fields: Callable[..., Mapping[str, Any]] | None = _option(
        None, read_function
    )


def setting_names() -> dict[str, str]:
    """Map every ``CRUDAUTH_*`` name to its attribute of :class:`Settings`."""
    return {PREFIX + option.name.upper(): option.name for option in fields(Settings)}


def parse_setting(name: str) -> Any:
    """Parse one setting; raises ``ImproperlyConfigured`` with its name."""
    option = next(o for o in fields(Settings) if PREFIX + o.name.upper() == name)
    value = getattr(django_settings, name, option.metadata["default"])
    try:
        return option.metadata["parse"](value)
    except (ValueError, TypeError, ImportError) as error:
        raise ImproperlyConfigured(f"{name} {error}") from error


def cached_setting(*prefixes: str) -> Callable[[Callable[[], T]], Callable[[], T]]:
    """Cache a function's result until a setting with such a prefix is overridden."""

    def decorate(function: Callable[[], T]) -> Callable[[], T]:
        cached = cache(function)

        def clear(*, setting: str, **_kwargs: object) -> None:
            if setting.startswith(prefixes):
                cached.cache_clear()

        setting_changed.connect(clear, weak=False)
        return cached

    return decorate


@cached_setting(PREFIX)
def get_settings() -> Settings:
    """Return the parsed settings; raises ``ImproperlyConfigured``."""
    return Settings(
        **{
            attribute: parse_setting(name)
            for name, attribute in setting_names().items()
        }
    )
