"""Reading settings: each reader returns the value or raises ``ValueError``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.utils.module_loading import import_string

from crudauth_django.rates import Rate, parse_rates


@dataclass(frozen=True, kw_only=True, slots=True)
class Backend:
    """A class named in a setting, with the options to construct it with."""

    path: str
    #: May hold credentials.
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """When a message that did not go out is tried again."""

    #: The wait before the second try is this long to twice as long; each
    #: further one is up to twice the one before.
    base: timedelta = timedelta(seconds=2)
    #: No wait is longer, unless a provider asks for it.
    max: timedelta = timedelta(minutes=15)
    #: How long a worker of a durable queue may take for one try, all channels
    #: together. After that, it is taken for dead and another one tries.
    lease: timedelta = timedelta(minutes=5)


_Options = TypeVar("_Options", Lockout, Retry)

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


def read_seconds(value: object) -> timedelta:
    """Read a length of time above zero."""
    if not isinstance(value, timedelta) or value <= timedelta(0):
        raise ValueError("must be a timedelta above zero")
    return value


def read_whole(value: object) -> int:
    """Read a whole number, 0 or above."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("must be a whole number, 0 or above")
    return value


def read_count(value: object) -> int:
    """Read a whole number, 1 or above."""
    if not read_whole(value):
        raise ValueError("must count at least 1")
    return read_whole(value)


def read_flag(value: object) -> bool:
    """Read a truth value; 1 and "no" are none."""
    if not isinstance(value, bool):
        raise ValueError("must be True or False")  # noqa: TRY004 (all parsers raise one error)
    return value


def read_backend(value: object) -> Backend:
    """Read one class with its options."""
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


def read_backends(value: object) -> tuple[Backend, ...]:
    """Read a list of classes with their options."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValueError("must be a list of dotted paths")  # noqa: TRY004
    return tuple(read_backend(entry) for entry in value)


def read_names(value: object) -> tuple[str, ...]:
    """Read a list of field names; a set is put in order."""
    if isinstance(value, str) or not isinstance(value, (Sequence, set, frozenset)):
        raise ValueError("must be a list of field names")  # noqa: TRY004
    names = tuple(sorted(value) if isinstance(value, (set, frozenset)) else value)
    if not all(isinstance(name, str) for name in names):
        raise ValueError("must be a list of field names")
    return names


#: How an option is read, by the type it is declared with.
_READERS: dict[str, Callable[[object], Any]] = {
    "int": read_count,
    "timedelta": read_seconds,
}


def _read_options(kind: type[_Options], value: object) -> _Options:
    """Read a dict with any of the options of a dataclass, in capitals."""
    if not isinstance(value, Mapping):
        raise ValueError("must be a dict")  # noqa: TRY004
    known = {option.name.upper(): option for option in fields(kind)}
    unknown = set(value) - set(known)
    if unknown:
        raise ValueError(f"does not know {sorted(map(str, unknown))}")
    chosen = {
        known[name].name: _READERS[str(known[name].type)](given)
        for name, given in value.items()
    }
    return kind(**chosen)


def read_lockout(value: object) -> Lockout | None:
    """Read the lockout; ``None`` is none."""
    return None if value is None else _read_options(Lockout, value)


def read_retry(value: object) -> Retry:
    """Read a dict with any of the options of ``Retry``, in capitals."""
    return _read_options(Retry, value)


def read_throttles(value: object) -> dict[str, tuple[Rate, ...]]:
    """Read the throttles; those not named keep their defaults."""
    if not isinstance(value, Mapping):
        raise ValueError("must be a dict of rates")  # noqa: TRY004
    unknown = set(value) - set(THROTTLES)
    if unknown:
        raise ValueError(f"does not know {sorted(map(str, unknown))}")
    return {name: parse_rates(rate) for name, rate in {**THROTTLES, **value}.items()}


def read_frontend(value: object) -> dict[str, str]:
    """Read where links lead: a full URL for each kind."""
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
        if not _is_address(url):
            raise ValueError(f"{url!r} is not a URL with https:// or http://")
    return dict(value)


def _is_address(url: object) -> bool:
    """Whether a link to it opens in a browser: no app's scheme, no ``javascript:``."""
    parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def read_function(value: object) -> Callable[..., Any] | None:
    """Read a function, the dotted path of one, or ``None``."""
    function = import_string(value) if isinstance(value, str) else value
    if function is not None and not callable(function):
        raise ValueError("must be a callable or its dotted path")
    return function


def read_path(value: object) -> str:
    """Read a dotted path."""
    if not isinstance(value, str):
        raise ValueError("must be a dotted path")  # noqa: TRY004
    return value
