"""How a channel passes on the id that its provider gave a message.

``deliver`` returns nothing, so that the simplest channel stays simple. One that
learns an id notes it; whoever keeps a record of deliveries opens
:func:`receipts` around the call.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_noted: ContextVar[list[str] | None] = ContextVar("crudauth_receipts", default=None)

#: Longer ones are cut: providers' ids are short, a gateway's answer may not be.
LONGEST = 100


def note_receipt(provider_id: str) -> None:
    """Pass on the provider's id of the message; nothing happens if nobody asks."""
    noted = _noted.get()
    if noted is not None and provider_id:
        noted.append(provider_id[:LONGEST])


@contextmanager
def receipts() -> Iterator[list[str]]:
    """Collect what is noted meanwhile, by ``def`` and ``async def`` alike."""
    noted: list[str] = []
    before = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(before)
