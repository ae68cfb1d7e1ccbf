"""The values of structured settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils.module_loading import import_string


@dataclass(frozen=True, kw_only=True, slots=True)
class Backend:
    """A class named in a setting, and the options to construct it with."""

    path: str
    #: May hold credentials.
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def load(self) -> Any:
        """Import the class; raises ``ImportError``."""
        return import_string(self.path)

    def build(self, *args: Any) -> Any:
        """Import and construct it; raises ``ImportError`` or the class's own error."""
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
    #: The length of the first lock; each further one is twice as long.
    base: timedelta = timedelta(seconds=60)
    #: The longest lock.
    max: timedelta = timedelta(hours=1)
    #: How long the number of locks is remembered.
    memory: timedelta = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """When an undelivered message is tried again."""

    #: The second attempt waits between ``base`` and twice ``base``. The limit
    #: doubles with each further attempt.
    base: timedelta = timedelta(seconds=2)
    #: The longest wait, unless a provider asks for a longer one.
    max: timedelta = timedelta(minutes=15)
    #: The time that a worker of a durable queue has for one attempt, all
    #: channels together. Afterwards another worker may try.
    lease: timedelta = timedelta(minutes=5)
