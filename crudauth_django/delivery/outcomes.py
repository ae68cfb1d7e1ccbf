"""How one attempt over one channel ended."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """The outcome of one attempt."""

    DELIVERED = "delivered"
    #: It will be tried again.
    FAILED = "failed"
    #: The provider will never accept it.
    REJECTED = "rejected"
    #: It failed, and it is too late for another attempt.
    GAVE_UP = "gave_up"
