"""A message that waits to be sent, before it has a token."""

import math
import random
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import timedelta
from typing import Any, Self

from crudauth_django.conf.settings import get_settings
from crudauth_django.kinds import EVENT_KINDS, Cause

#: A notice has no token; it is tried for this long.
NOTICE_MAX_AGE = timedelta(hours=24)
#: Each wait is so many times as long as the one before it.
GROWTH = 4
#: Waits stop growing after so many attempts.
MAX_GROWTHS = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingMessage:
    """A message to be sent. It holds ids and values, never a secret.

    All values are plain, so every queue can carry :meth:`to_dict`.
    """

    #: The value of a ``MessageKind``.
    kind: str
    #: The normalized recovery value.
    value: str = field(repr=False)
    #: The primary key of the account, as text, if the sender knows it.
    user_pk: str | None = None
    #: The value of a ``Cause``.
    cause: str = Cause.REQUEST
    #: The language of the request, for an account without one of its own.
    language: str = ""
    #: The same for every attempt; channels use it as an idempotency key.
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    #: The time of the request, in Unix seconds.
    requested_at: float = field(default_factory=time.time)
    #: The number of this attempt, from 1.
    attempt: int = 1
    #: When this attempt is due, in Unix seconds.
    due_at: float = 0.0
    #: The labels of the channels still to be tried; ``None`` for all, before the
    #: first of them is tried.
    channels: list[str] | None = None
    #: How often it failed in a way that allows only a few further attempts.
    failures: dict[str, int] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read the dict of :meth:`to_dict`, also one of a newer version.

        Unknown keys are dropped. Raises ``ValueError`` if a value is missing or
        malformed.
        """
        if not isinstance(values, Mapping):
            raise ValueError("a message must be a dict")
        known = {f.name: values[f.name] for f in fields(cls) if f.name in values}
        wrong = [name for name, value in known.items() if not _TYPES[name](value)]
        if wrong or not {"kind", "value"} <= set(known):
            # The names only: a value may be a recovery value.
            raise ValueError(f"missing or malformed: {wrong or ['kind', 'value']}")
        return cls(**known)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values that JSON can hold."""
        return {**asdict(self), "kind": str(self.kind), "cause": str(self.cause)}

    def is_outdated(self) -> bool:
        """Return whether it is too late for every kind of message."""
        policy = get_settings()
        lifetimes = (policy.verify_max_age, policy.reset_max_age, policy.change_max_age)
        longest = max(NOTICE_MAX_AGE, *lifetimes)
        return time.time() > self.requested_at + longest.total_seconds()

    def end_reason(self, *, expires_at: float = math.inf) -> str:
        """Return why not to make this attempt: ``"tries"``, ``"expired"`` or ``""``."""
        if self.attempt > get_settings().retry.tries:
            return "tries"
        return "expired" if max(time.time(), self.due_at) > expires_at else ""

    def wait(self, *, until: float, channels: list[str]) -> Self | None:
        """Return the same attempt at a later time, for a budget that is used up.

        A first attempt does not wait, because there may be any number of requests.
        A notice of what has happened always waits.
        """
        if self.channels is None and self.kind not in EVENT_KINDS:
            return None
        return replace(self, channels=channels, due_at=until)

    def next_attempt(
        self, *, channels: list[str] | None, retry_after: float | None = None
    ) -> Self:
        """Return the next attempt, after a longer wait with jitter.

        ``retry_after`` is the wait that a provider asked for, in seconds.
        """
        policy = get_settings().retry
        grown = GROWTH ** min(self.attempt - 1, MAX_GROWTHS)
        ceiling = min(
            2 * policy.base.total_seconds() * grown, policy.max.total_seconds()
        )
        wait = max(random.uniform(ceiling / 2, ceiling), retry_after or 0)  # noqa: S311 (jitter, not a secret)
        due = time.time() + wait
        return replace(self, attempt=self.attempt + 1, channels=channels, due_at=due)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


#: For each field, whether a value read from a queue is well formed.
_TYPES: dict[str, Callable[[Any], bool]] = {
    "kind": _is_text,
    "value": _is_text,
    "user_pk": lambda v: v is None or _is_text(v),
    "cause": _is_text,
    "language": _is_text,
    "id": _is_text,
    "requested_at": _is_number,
    "attempt": lambda v: isinstance(v, int) and v > 0,
    "due_at": _is_number,
    "channels": lambda v: v is None or (isinstance(v, list) and all(map(_is_text, v))),
    "failures": lambda v: isinstance(v, dict) and all(map(_is_number, v.values())),
}
