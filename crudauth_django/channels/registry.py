"""The channels that ``CRUDAUTH_CHANNELS`` registers, by label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from crudauth_django.channels.base import DeliveryChannel
from crudauth_django.conf.settings import PREFIX, cached_setting, get_settings


@cached_setting(PREFIX)
def get_channels() -> Mapping[str, DeliveryChannel]:
    """Return the channels by label, in the order of the setting.

    A label is the dotted path, with ``#2`` and so on for a path that is
    registered again. Raises ``ImportError`` or what a channel raises when it
    is constructed; ``manage.py check`` says the same, earlier.
    """
    backends = get_settings().channels
    names = labels(backend.path for backend in backends)
    return dict(zip(names, [backend.build() for backend in backends], strict=True))


def labels(names: Iterable[str]) -> Iterator[str]:
    """Tell names apart: the second of its kind gets ``#2``, and so on."""
    times = Counter[str]()
    for name in names:
        times[name] += 1
        yield f"{name}#{times[name]}" if times[name] > 1 else name
