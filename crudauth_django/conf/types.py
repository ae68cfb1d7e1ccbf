"""The values of structured settings; ``conf.settings`` describes each option."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils.module_loading import import_string


@dataclass(frozen=True, kw_only=True, slots=True)
class Backend:
    """A class in a setting, and the options of its constructor."""

    path: str
    #: May hold credentials.
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def build(self) -> Any:
        """Construct the class; raises ``ImportError`` or the constructor's error."""
        return import_string(self.path)(**self.options)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lockout:
    """``CRUDAUTH_LOCKOUT``: how failures lock an account and a network."""

    attempts: int = 5
    network_attempts: int = 50
    window: timedelta = timedelta(minutes=15)
    base: timedelta = timedelta(seconds=60)
    max: timedelta = timedelta(hours=1)
    memory: timedelta = timedelta(hours=24)
    long_attempts: int = 100
    long_window: timedelta = timedelta(days=30)


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """``CRUDAUTH_RETRY``: when and how often a message is tried again."""

    tries: int = 10
    base: timedelta = timedelta(seconds=5)
    max: timedelta = timedelta(hours=4)
    lease: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """At most ``count`` in ``period`` seconds."""

    count: int
    period: int
