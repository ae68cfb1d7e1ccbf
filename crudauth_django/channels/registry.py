"""The channels that ``CRUDAUTH_CHANNELS`` registers, by label."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from django.core.signals import setting_changed

from crudauth_django.channels.base import DeliveryChannel
from crudauth_django.conf import get_settings


@cache
def get_channels() -> Mapping[str, DeliveryChannel]:
    """Return the channels by label, in the order of the setting.

    A label is the dotted path, with ``#2`` and so on for a path that is
    registered again. Raises ``ImportError`` or what a channel raises when it
    is constructed; ``manage.py check`` says the same, earlier.
    """
    channels: dict[str, DeliveryChannel] = {}
    for backend in get_settings().channels:
        times = sum(label.partition("#")[0] == backend.path for label in channels)
        label = f"{backend.path}#{times + 1}" if times else backend.path
        channels[label] = backend.build()
    return channels


def _forget(*, setting: str, **_kwargs: object) -> None:
    if setting.startswith("CRUDAUTH_"):
        get_channels.cache_clear()


setting_changed.connect(_forget)
