"""Readers of settings: each returns the parsed value or raises ``ValueError``."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.utils.module_loading import import_string

from crudauth_django.conf.types import Backend, Lockout, Rate, Retry
from crudauth_django.kinds import MessageKind

_Options = TypeVar("_Options", Lockout, Retry)

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_RATE = re.compile(r"(?P<count>[1-9]\d*)/(?P<number>[1-9]\d*)?(?P<unit>[smhd])")

#: The default rates: ``change_password`` per user, the others per network.
THROTTLES = {
    "register": "30/h",
    "login": "300/h",
    "verify_request": "30/h",
    "reset_request": "30/h",
    "change_request": "30/h",
    "change_password": "10/h",
}

#: The path below ``CRUDAUTH_FRONTEND_URL`` for the links of each kind.
FRONTEND_PATHS: dict[str, str] = {
    MessageKind.VERIFY_RECOVERY: "verify",
    MessageKind.RESET_PASSWORD: "reset",
    MessageKind.CHANGE_RECOVERY: "change",
}
#: Stands for the token in a URL of ``CRUDAUTH_FRONTEND_URL``.
TOKEN_PLACEHOLDER = "{token}"  # noqa: S105 (a placeholder, not a token)


def read_seconds(value: object) -> timedelta:
    """Read a positive ``timedelta``."""
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
        raise ValueError("must be 1 or above")
    return read_whole(value)


def read_flag(value: object) -> bool:
    """Read ``True`` or ``False``; no other value is converted."""
    if not isinstance(value, bool):
        raise ValueError("must be True or False")
    return value


def read_optional_flag(value: object) -> bool | None:
    """Read ``True``, ``False`` or ``None``."""
    return None if value is None else read_flag(value)


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
        raise ValueError("must be a list of dotted paths")
    return tuple(read_backend(entry) for entry in value)


def read_names(value: object) -> tuple[str, ...]:
    """Read a list of field names; a set is sorted."""
    if isinstance(value, str) or not isinstance(value, (Sequence, set, frozenset)):
        raise ValueError("must be a list of field names")
    names = tuple(value if isinstance(value, Sequence) else sorted(value))
    if not all(isinstance(name, str) for name in names):
        raise ValueError("must be a list of field names")
    return names


#: The reader of an option, by the type of the option's default.
_OPTION_READERS: dict[type, Any] = {int: read_count, timedelta: read_seconds}


def read_options(kind: type[_Options], value: object) -> _Options:
    """Read a dict with any of a dataclass's options, named in capitals."""
    if not isinstance(value, Mapping):
        raise ValueError("must be a dict")
    readers = {o.name.upper(): _OPTION_READERS[type(o.default)] for o in fields(kind)}
    if unknown := set(value) - set(readers):
        raise ValueError(
            f"has unknown keys: {sorted(map(str, unknown))}; known: {sorted(readers)}"
        )
    return kind(**{name.lower(): readers[name](given) for name, given in value.items()})


def read_lockout(value: object) -> Lockout | None:
    """Read the lockout; ``None`` switches it off."""
    return None if value is None else read_options(Lockout, value)


def parse_rate(text: str) -> Rate:
    """Parse ``5/15m`` as five in fifteen minutes; raises ``ValueError``."""
    match = _RATE.fullmatch(text)
    if match is None:
        raise ValueError(f'{text!r} is not a rate such as "5/15m" or "10/d"')
    number = int(match["number"] or 1)
    return Rate(count=int(match["count"]), period=number * _SECONDS[match["unit"]])


def read_rates(value: object) -> tuple[Rate, ...]:
    """Read a rate, a list of rates (all apply) or ``None`` (no limit)."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (parse_rate(value),)
    if isinstance(value, Sequence) and all(isinstance(rate, str) for rate in value):
        return tuple(map(parse_rate, value))
    raise ValueError("must be a rate, a list of rates or None")


def read_throttles(value: object) -> dict[str, tuple[Rate, ...]]:
    """Read the throttles; a name left out keeps its default."""
    if not isinstance(value, Mapping):
        raise ValueError("must be a dict of rates")
    if unknown := set(value) - set(THROTTLES):
        raise ValueError(
            f"has unknown keys: {sorted(map(str, unknown))}; known: {sorted(THROTTLES)}"
        )
    return {name: read_rates(rate) for name, rate in {**THROTTLES, **value}.items()}


def read_frontend(value: object) -> dict[str, str]:
    """Read the targets of links; return a full URL for each kind."""
    if isinstance(value, str):
        base = value.rstrip("/")
        paths = FRONTEND_PATHS.items() if base else ()
        value = {kind: f"{base}/{path}" for kind, path in paths}
    if not isinstance(value, Mapping) or set(value) - set(FRONTEND_PATHS):
        raise ValueError(
            f"must be a URL, or a dict of URLs with the keys {sorted(FRONTEND_PATHS)}"
        )
    for url in value.values():
        # A link must open in a browser: not in an app, and not ``javascript:``.
        parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise ValueError(f"{url!r} is not a URL with https:// or http://")
        if set("{}") & set(url.replace(TOKEN_PLACEHOLDER, "", 1)):
            raise ValueError(f"{url!r} may have one placeholder, {TOKEN_PLACEHOLDER}")
    return dict(value)


def read_function(value: object) -> Callable[..., Any] | None:
    """Read a function, its dotted path, or ``None``."""
    try:
        function = import_string(value) if isinstance(value, str) else value
    except ImportError as error:
        raise ValueError(f"can't be imported: {error}") from error
    if function is not None and not callable(function):
        raise ValueError("must be a callable or its dotted path")
    return function


def read_path(value: object) -> str:
    """Read a dotted path."""
    if not isinstance(value, str):
        raise ValueError("must be a dotted path")
    return value
