"""Reading and constructing what the settings name, when it may be wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from crudauth_django.channels.base import DeliveryChannel
from crudauth_django.channels.fallback import FallbackChannel
from crudauth_django.channels.registry import get_channels
from crudauth_django.conf.settings import parse_setting


def parsed(name: str) -> Any:
    """Return a setting, or ``None``: another check reports a malformed one."""
    try:
        return parse_setting(name)
    except ImproperlyConfigured:
        return None


def build(make: Callable[[], Any]) -> Any:
    """Return what ``make`` constructs, or the exception that kept it from that."""
    try:
        return make()
    except (TypeError, ValueError, ImportError, ImproperlyConfigured) as error:
        return error


def every_channel() -> list[DeliveryChannel]:
    """Return the registered channels and those inside them.

    None, where one can't be constructed: another check reports it.
    """
    channels = build(get_channels)
    return [] if isinstance(channels, Exception) else list(_each(channels.values()))


def _each(channels: Iterable[DeliveryChannel]) -> Iterator[DeliveryChannel]:
    for channel in channels:
        yield channel
        if isinstance(channel, FallbackChannel):
            yield from _each(channel.channels)
