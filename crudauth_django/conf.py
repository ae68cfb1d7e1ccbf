"""Every ``CRUDAUTH_*`` setting, its type and its default, in one place.

Read them with :func:`get_settings`; nothing is copied at import, so
``override_settings`` works everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from crudauth_django.rates import Rate, parse_rates

PREFIX = "CRUDAUTH_"


@dataclass(frozen=True, kw_only=True, slots=True)
class Backend:
    """A class named in a setting, with the options to construct it with."""

    path: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def load(self) -> Any:
        """Import the class; raises ``ImportError``."""
        return import_string(self.path)

    def build(self, *args: Any) -> Any:
        """Import and construct it; raises ``ImportError`` or what it raises."""
        return self.load()(*args, **self.options)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lockout:
    """How failures lock an account and a network."""

    #: Failures of one account within ``window`` that lock it.
    attempts: int = 5
    #: Failures of one network within ``window`` that lock it.
    network_attempts: int = 50
    #: How long a failure counts.
    window: timedelta = timedelta(minutes=15)
    #: The first lock's length; each further one is twice the one before.
    base: timedelta = timedelta(seconds=60)
    #: No lock is longer.
    max: timedelta = timedelta(hours=1)
    #: How long the number of locks so far is remembered.
    memory: timedelta = timedelta(hours=24)


#: The throttles that exist; ``change_password`` counts per user, the others
#: per network.
THROTTLES = {
    "register": "30/h",
    "verify_request": "30/h",
    "reset_request": "30/h",
    "change_request": "30/h",
    "change_password": "10/h",
}

#: The path below ``CRUDAUTH_FRONTEND_URL`` that each kind's link leads to.
FRONTEND_PATHS = {
    "verify_recovery": "verify",
    "reset_password": "reset",
    "change_recovery": "change",
}


def _seconds(value: object) -> timedelta:
    if not isinstance(value, timedelta) or value <= timedelta(0):
        raise ValueError("must be a timedelta above zero")
    return value


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("must be a whole number, 0 or above")
    return value


def _count(value: object) -> int:
    if not _whole(value):
        raise ValueError("must count at least 1")
    return _whole(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be True or False")  # noqa: TRY004 (all parsers raise one error)
    return value


def _backend(value: object) -> Backend:
    match value:
        case str() if value:
            return Backend(path=value)
        case {"BACKEND": str() as path, **rest} if set(rest) <= {"OPTIONS"}:
            options = rest.get("OPTIONS", {})
            if isinstance(options, Mapping):
                return Backend(path=path, options=options)
    raise ValueError(
        'must be a dotted path or {"BACKEND": "dotted.path", "OPTIONS": {...}}'
    )


def _backends(value: object) -> tuple[Backend, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValueError("must be a list of dotted paths")  # noqa: TRY004
    return tuple(_backend(entry) for entry in value)


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, (Sequence, set, frozenset)):
        raise ValueError("must be a list of field names")  # noqa: TRY004
    names = tuple(sorted(value) if isinstance(value, (set, frozenset)) else value)
    if not all(isinstance(name, str) for name in names):
        raise ValueError("must be a list of field names")
    return names


def _lockout(value: object) -> Lockout | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ValueError("must be a dict or None")  # noqa: TRY004
    known = {option.name: option.type for option in fields(Lockout)}
    chosen: dict[str, Any] = {}
    for name, given in value.items():
        if str(name).lower() not in known or str(name) != str(name).upper():
            raise ValueError(f"does not know {name!r}")
        parse = _count if "attempts" in name.lower() else _seconds
        chosen[name.lower()] = parse(given)
    return Lockout(**chosen)


def _throttles(value: object) -> dict[str, tuple[Rate, ...]]:
    if not isinstance(value, Mapping):
        raise ValueError("must be a dict of rates")  # noqa: TRY004
    unknown = set(value) - set(THROTTLES)
    if unknown:
        raise ValueError(f"does not know {sorted(map(str, unknown))}")
    return {name: parse_rates(rate) for name, rate in {**THROTTLES, **value}.items()}


def _frontend(value: object) -> dict[str, str]:
    if isinstance(value, str):
        base = value.rstrip("/")
        value = (
            {kind: f"{base}/{path}" for kind, path in FRONTEND_PATHS.items()}
            if base
            else {}
        )
    if not isinstance(value, Mapping) or set(value) - set(FRONTEND_PATHS):
        raise ValueError(
            f"must be a URL, or a dict of URLs with the keys {sorted(FRONTEND_PATHS)}"
        )
    for url in value.values():
        if not isinstance(url, str) or not urlsplit(url).netloc:
            raise ValueError(f"{url!r} is not an absolute URL")
    return dict(value)


def _function(value: object) -> Callable[..., Any] | None:
    return import_string(value) if isinstance(value, str) else value  # type: ignore[return-value]


def _path(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a dotted path")  # noqa: TRY004
    return value


def _option(default: Any, parse: Callable[[Any], Any]) -> Any:
    """Declare a setting: its default as a project would write it, and its parser."""
    return field(metadata={"default": default, "parse": parse})


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The parsed settings; each is named ``CRUDAUTH_`` and its name in capitals."""

    #: The delivery channels: dotted paths, or dicts with ``BACKEND`` and
    #: ``OPTIONS``. Every one that serves a message is used.
    channels: tuple[Backend, ...] = _option((), _backends)
    #: Where the links in messages lead: a base URL, below which each kind has
    #: its path (``verify``, ``reset``, ``change``), or a dict with a full URL
    #: for each kind. ``""``: channels get no ``link``.
    frontend_url: Mapping[str, str] = _option("", _frontend)
    #: What carries messages out of the request.
    dispatcher: Backend = _option(
        "crudauth_django.dispatch.ThreadDispatcher", _backend
    )
    #: Where failures and requests are counted.
    counters: Backend = _option("crudauth_django.counters.DatabaseCounters", _backend)
    #: How long a verification token works.
    verify_max_age: timedelta = _option(timedelta(hours=24), _seconds)
    #: How long a password reset token works.
    reset_max_age: timedelta = _option(timedelta(hours=1), _seconds)
    #: How long a token that confirms a new recovery value works.
    change_max_age: timedelta = _option(timedelta(hours=24), _seconds)
    #: Refuse the login of an account that has not verified its recovery value,
    #: exactly as a wrong password is refused.
    login_requires_verified: bool = _option(False, _flag)  # noqa: FBT003
    #: A dict with any of ``ATTEMPTS``, ``NETWORK_ATTEMPTS``, ``WINDOW``,
    #: ``BASE``, ``MAX`` and ``MEMORY``; ``None`` switches the lockout off.
    lockout: Lockout | None = _option({}, _lockout)
    #: Rates (``count/period``) of ``register``, ``verify_request``,
    #: ``reset_request``, ``change_request`` (per network) and
    #: ``change_password`` (per user). A list means all of them, ``None`` none.
    throttles: Mapping[str, tuple[Rate, ...]] = _option({}, _throttles)
    #: Messages that one recovery value gets, all kinds together.
    target_budget: tuple[Rate, ...] = _option(["5/15m", "10/d"], parse_rates)
    #: How many proxies in front of the application append to
    #: ``X-Forwarded-For``.
    trusted_proxies: int = _option(0, _whole)
    #: Whether ``/register`` creates accounts.
    registration_open: bool = _option(True, _flag)  # noqa: FBT003
    #: The serializer of ``/register``.
    register_serializer: str = _option(
        "crudauth_django.api.serializers.RegisterSerializer", _path
    )
    #: Columns of your own that ``/register`` may write.
    register_extra_fields: tuple[str, ...] = _option((), _names)
    #: A callable (or its dotted path) that gets the cleaned registration as
    #: keywords and returns a dict of columns that the server sets.
    new_user_fields: Callable[..., Mapping[str, Any]] | None = _option(None, _function)


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


@cache
def get_settings() -> Settings:
    """Return the parsed settings; raises ``ImproperlyConfigured``."""
    return Settings(
        **{attribute: parse_setting(name) for name, attribute in setting_names().items()}
    )


def _forget(*, setting: str, **_kwargs: object) -> None:
    if setting.startswith(PREFIX):
        get_settings.cache_clear()


setting_changed.connect(_forget)
