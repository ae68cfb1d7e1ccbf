"""A message that waits to be sent, before it has a token."""

import random
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any, Self

from crudauth_django.conf.settings import get_settings

#: A notice has no token; it is tried for this long.
NOTICE_MAX_AGE = timedelta(hours=24)
#: Waits stop doubling after so many attempts.
MAX_DOUBLINGS = 16


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
    #: The labels of the channels still to be tried; ``None`` for all.
    channels: list[str] | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read the dict of :meth:`to_dict`."""
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values that JSON can hold."""
        return {**asdict(self), "kind": str(self.kind)}

    def is_outdated(self) -> bool:
        """Return whether it is too late for every kind of message."""
        policy = get_settings()
        lifetimes = (policy.verify_max_age, policy.reset_max_age, policy.change_max_age)
        longest = max(NOTICE_MAX_AGE, *lifetimes)
        return time.time() > self.requested_at + longest.total_seconds()

    def next_attempt(
        self, *, channels: list[str] | None, retry_after: float | None = None
    ) -> Self:
        """Return the next attempt, after a longer wait with jitter.

        ``retry_after`` is the wait that a provider asked for, in seconds.
        """
        policy = get_settings().retry
        doubled = policy.base.total_seconds() * 2 ** min(self.attempt, MAX_DOUBLINGS)
        ceiling = min(doubled, policy.max.total_seconds())
        wait = max(random.uniform(ceiling / 2, ceiling), retry_after or 0)  # noqa: S311 (jitter, not a secret)
        due = time.time() + wait
        return replace(self, attempt=self.attempt + 1, channels=channels, due_at=due)
