"""The ASGI middleware: the order of the drain, and applications without a lifespan."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync

from crudauth_django.asgi import DrainAtShutdown
from crudauth_django.dispatch import InlineDispatcher

STARTUP, SHUTDOWN = "lifespan.startup", "lifespan.shutdown"
COMPLETE = [f"{STARTUP}.complete", f"{SHUTDOWN}.complete"]


class DrainedDispatcher(InlineDispatcher):
    events: list[str] = []

    def drain(self) -> None:
        self.events.append("drained")


@pytest.fixture
def events(settings) -> list[str]:
    """The order of everything that happens."""
    settings.CRUDAUTH_DISPATCHER = f"{__name__}.DrainedDispatcher"
    DrainedDispatcher.events = []
    return DrainedDispatcher.events


def serve(application: Any, events: list[str], *, scope: str = "lifespan") -> None:
    """Start and stop an application, as a server does."""
    waiting = [STARTUP, SHUTDOWN]

    async def receive() -> dict[str, str]:
        return {"type": waiting.pop(0)}

    async def send(event: dict[str, str]) -> None:
        events.append(event["type"])

    async_to_sync(DrainAtShutdown(application))({"type": scope}, receive, send)


async def without_lifespan(scope, receive, send):
    raise ValueError(scope["type"])


async def raising_after_the_event(scope, receive, send):
    await receive()
    raise KeyError("path")


async def ignoring(scope, receive, send):
    return


async def leaving_after_startup(scope, receive, send):
    await receive()
    await send({"type": f"{STARTUP}.complete"})


@pytest.mark.parametrize(
    "application",
    [without_lifespan, raising_after_the_event, ignoring, leaving_after_startup],
)
def test_middleware_answers_for_application_without_lifespan(application, events):
    serve(application, events)

    assert events == [COMPLETE[0], "drained", COMPLETE[1]]


def test_dispatcher_is_drained_before_application_shuts_down(events):
    async def application(scope, receive, send):
        for number in range(2):
            event = await receive()
            events.append(f"application: {event['type']}")
            await send({"type": COMPLETE[number]})

    serve(application, events)

    assert events == [
        f"application: {STARTUP}",
        COMPLETE[0],
        "drained",
        f"application: {SHUTDOWN}",
        COMPLETE[1],
    ]


def test_failed_startup_of_application_reaches_server(events):
    async def application(scope, receive, send):
        await receive()
        await send({"type": f"{STARTUP}.failed"})
        raise RuntimeError

    with pytest.raises(RuntimeError):
        serve(application, events)

    assert events == [f"{STARTUP}.failed"]


def test_requests_pass_to_application(events):
    async def application(scope, receive, send):
        await send({"type": scope["type"]})

    serve(application, events, scope="http")

    assert events == ["http"]
