"""Pass on the id that a provider gave a message.

``deliver`` returns nothing, so that a simple channel stays simple. A channel that
learns an id calls :func:`set_provider_id`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_collected: ContextVar[list[str] | None] = ContextVar(
    "crudauth_provider_ids", default=None
)

#: Longer ids are cut: those of providers are short, a gateway's may not be.
MAX_LENGTH = 100


def set_provider_id(provider_id: str) -> None:
    """Pass on the provider's id; without a collector this does nothing."""
    collected = _collected.get()
    if collected is not None and provider_id:
        collected.append(provider_id[:MAX_LENGTH])


@contextmanager
def collect_provider_ids() -> Iterator[list[str]]:
    """Collect the ids that ``def`` and ``async def`` channels set meanwhile."""
    collected: list[str] = []
    before = _collected.set(collected)
    try:
        yield collected
    finally:
        _collected.reset(before)
