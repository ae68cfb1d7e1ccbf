"""Will messages leave, and by something that can carry them?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.core import checks

from crudauth_django.channels.base import DeliveryChannel
from crudauth_django.channels.console import ConsoleChannel
from crudauth_django.channels.file import FileChannel
from crudauth_django.channels.locmem import LocMemChannel
from crudauth_django.checks.loading import build, every_channel, parsed
from crudauth_django.conf.types import Backend
from crudauth_django.dispatch.base import Dispatcher, InlineDispatcher
from crudauth_django.dispatch.tasks import TaskDispatcher

#: Those that deliver to nobody.
FOR_DEVELOPMENT = (ConsoleChannel, FileChannel, LocMemChannel)


@checks.register("crudauth")
def check_channels(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check that there are channels, and that each one is one."""
    factor = getattr(get_user_model(), "RECOVERY_FACTOR", None)
    backends = parsed("CRUDAUTH_CHANNELS")
    if backends is None:
        return []
    if factor is not None and not backends:
        return [
            checks.Warning(
                f"Accounts recover by {factor!r}, and no channel is registered: "
                "the recovery endpoints are not there.",
                hint="List a DeliveryChannel in CRUDAUTH_CHANNELS.",
                id="crudauth.W002",
            )
        ]
    found = [_check_channel(backend) for backend in backends]
    channels = [entry for entry in found if isinstance(entry, DeliveryChannel)]
    problems = [entry for entry in found if isinstance(entry, checks.CheckMessage)]
    return [*problems, *_check_serving(factor, channels, backends)]


def _check_channel(backend: Backend) -> DeliveryChannel | checks.CheckMessage:
    try:
        kind = backend.load()
    except ImportError as error:
        return checks.Error(
            f"The channel {backend.path!r} can't be imported: {error}",
            hint="Correct the path in CRUDAUTH_CHANNELS, or install its extra.",
            id="crudauth.E010",
        )
    if not (isinstance(kind, type) and issubclass(kind, DeliveryChannel)):
        return checks.Error(
            f"{backend.path!r} is not a DeliveryChannel.",
            hint="Inherit crudauth_django.channels.DeliveryChannel.",
            id="crudauth.E011",
        )
    channel: DeliveryChannel | Exception = build(backend.build)
    if isinstance(channel, Exception):
        return checks.Error(
            f"The channel {backend.path!r} can't be constructed: {channel}",
            hint="Correct its OPTIONS, or install its extra.",
            id="crudauth.E012",
        )
    return channel


def _check_serving(
    factor: str | None, channels: list[DeliveryChannel], backends: tuple[Backend, ...]
) -> Iterator[checks.CheckMessage]:
    complete = len(channels) == len(backends)
    if factor is None and backends:
        yield checks.Warning(
            "Channels are registered, and accounts have no recovery factor.",
            hint="Set RECOVERY_FACTOR on the user model, or empty CRUDAUTH_CHANNELS.",
            id="crudauth.W003",
        )
    elif factor and complete and not any(c.serves(factor) for c in channels):
        yield checks.Error(
            f"No registered channel serves the recovery factor {factor!r}.",
            hint='Register one that does, or set its OPTIONS: {"factors": [...]}.',
            id="crudauth.E013",
        )


@checks.register("crudauth")
def check_dispatcher(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check that the dispatcher is one, and can be constructed."""
    backend = parsed("CRUDAUTH_DISPATCHER")
    if backend is None:
        return []
    dispatcher = build(backend.build)
    if isinstance(dispatcher, Exception):
        return [
            checks.Error(
                f"The dispatcher {backend.path!r} can't be used: {dispatcher}",
                hint="Correct CRUDAUTH_DISPATCHER, its OPTIONS or TASKS.",
                id="crudauth.E014",
            )
        ]
    if not isinstance(dispatcher, Dispatcher):
        return [
            checks.Error(
                f"{backend.path!r} is not a Dispatcher.",
                hint="Inherit crudauth_django.dispatch.Dispatcher.",
                id="crudauth.E015",
            )
        ]
    return []


@checks.register("crudauth", deploy=True)
def check_dispatcher_for_production(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check that the dispatcher hides the account, and loses nothing."""
    backend = parsed("CRUDAUTH_DISPATCHER")
    dispatcher = build(backend.build) if backend else None
    if type(dispatcher) is InlineDispatcher:
        return [
            checks.Error(
                "InlineDispatcher delivers within the request: the answer's time "
                "tells who has an account.",
                hint="Use ThreadDispatcher or TaskDispatcher.",
                id="crudauth.E016",
            )
        ]
    if isinstance(dispatcher, TaskDispatcher) and not dispatcher.durable:
        return [
            checks.Warning(
                "The tasks backend can't keep a task for later: messages are "
                "delivered within the request, and not tried again.",
                hint="Use a backend with a worker, such as django-tasks-db.",
                id="crudauth.W004",
            )
        ]
    return []


@checks.register("crudauth", deploy=True)
def check_channels_for_production(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check that no channel is one of those that show tokens to developers."""
    found = [c for c in every_channel() if isinstance(c, FOR_DEVELOPMENT)]
    names = dict.fromkeys(type(channel).__qualname__ for channel in found)
    return [
        checks.Warning(
            f"{name} is for development: whoever can read what it keeps can "
            "redeem the tokens, and nobody is sent anything.",
            hint="Take it out of CRUDAUTH_CHANNELS, and register a channel that "
            "reaches people.",
            id="crudauth.W007",
        )
        for name in names
    ]
