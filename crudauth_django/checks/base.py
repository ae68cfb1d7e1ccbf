"""Register checks, and read settings before they are checked."""

from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from typing import Any, TypeAlias

from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import request_started

from crudauth_django.channels.base import DeliveryChannel, get_channels
from crudauth_django.channels.fallback import FallbackChannel
from crudauth_django.conf.settings import parse_setting

Messages: TypeAlias = Iterator[checks.CheckMessage]
Check: TypeAlias = Callable[..., list[checks.CheckMessage]]


#: The receiver that runs the checks at the first request of a server.
AT_START = "crudauth.check_at_start"


def system_check(*, deploy: bool = False) -> Callable[[Callable[[], Messages]], Check]:
    """Register a generator of messages with Django; ``deploy`` is for production."""

    def decorate(generate: Callable[[], Messages]) -> Check:
        @checks.register("crudauth", deploy=deploy)
        def check(**_kwargs: Any) -> list[checks.CheckMessage]:
            # They have been shown: a server in this process need not run them.
            request_started.disconnect(dispatch_uid=AT_START)
            return list(generate())

        return check

    return decorate


def parsed(name: str) -> Any:
    """Return a setting; ``None`` if it is malformed (``crudauth.E021``)."""
    value = result_or_error(parse_setting, name)
    return None if isinstance(value, Exception) else value


def result_or_error(function: Callable[..., Any], *args: object) -> Any:
    """Return the result of an import, a reader or a constructor, or its error."""
    try:
        return function(*args)
    except (TypeError, ValueError, ImportError, ImproperlyConfigured) as error:
        return error


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a sentence with the name that is most like a wrong one, or ``""``."""
    close = get_close_matches(name, known, n=1, cutoff=0.8)
    return f"Did you mean {close[0]}? " if close else ""


def every_channel() -> list[DeliveryChannel]:
    """Return all channels, also inner ones; none if one is broken (crudauth.E012)."""
    channels = result_or_error(get_channels)
    return [] if isinstance(channels, Exception) else list(_each(channels.values()))


def _each(channels: Iterable[DeliveryChannel]) -> Iterator[DeliveryChannel]:
    for channel in channels:
        yield channel
        if isinstance(channel, FallbackChannel):
            yield from _each(channel.channels)
