"""Register checks, and read settings before they are checked."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from crudauth_django.channels.base import DeliveryChannel, get_channels
from crudauth_django.channels.fallback import FallbackChannel
from crudauth_django.conf.settings import parse_setting

Messages: TypeAlias = Iterator[checks.CheckMessage]


def system_check(
    *, deploy: bool = False
) -> Callable[[Callable[[], Messages]], Callable[..., list[checks.CheckMessage]]]:
    """Register a generator of messages with Django; ``deploy`` is for production."""

    def decorate(
        generate: Callable[[], Messages],
    ) -> Callable[..., list[checks.CheckMessage]]:
        def check(**_kwargs: Any) -> list[checks.CheckMessage]:
            return list(generate())

        checks.register(check, "crudauth", deploy=deploy)
        return check

    return decorate


def parsed(name: str) -> Any:
    """Return a setting; ``None`` if it is malformed (``crudauth.E021``)."""
    try:
        return parse_setting(name)
    except ImproperlyConfigured:
        return None


def build(make: Callable[[], Any]) -> Any:
    """Return the result of a constructor, or its exception."""
    try:
        return make()
    except (TypeError, ValueError, ImportError, ImproperlyConfigured) as error:
        return error


def every_channel() -> list[DeliveryChannel]:
    """Return the registered channels and their inner ones.

    The list is empty if a channel can't be constructed (``crudauth.E012``).
    """
    channels = build(get_channels)
    return [] if isinstance(channels, Exception) else list(_each(channels.values()))


def _each(channels: Iterable[DeliveryChannel]) -> Iterator[DeliveryChannel]:
    for channel in channels:
        yield channel
        if isinstance(channel, FallbackChannel):
            yield from _each(channel.channels)
