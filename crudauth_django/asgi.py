"""Deliver waiting messages before an ASGI server ends.

Wrap the application of ``asgi.py``::

    application = DrainAtShutdown(get_asgi_application())
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, ClassVar

__all__ = ["DrainAtShutdown"]

_Event = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Event]]
_Send = Callable[[_Event], Awaitable[None]]
_Application = Callable[[_Event, _Receive, _Send], Awaitable[None]]


class DrainAtShutdown:
    """ASGI middleware: the dispatcher delivers before the server ends.

    uvicorn raises SIGTERM again after its own shutdown, so the process ends
    before Python's exit hooks run. The server's ``lifespan.shutdown`` comes
    earlier (ASGI lifespan protocol 2.0). The dispatcher is drained before the
    inner application hears of it: deliveries may need its resources. The
    middleware answers for an application without a lifespan, such as Django's.
    """

    #: Whether the application of this process is wrapped.
    wraps: ClassVar[bool] = False

    def __init__(self, application: _Application) -> None:
        self.application = application
        DrainAtShutdown.wraps = True

    async def __call__(self, scope: _Event, receive: _Receive, send: _Send) -> None:
        if scope["type"] != "lifespan":
            await self.application(scope, receive, send)
            return
        events = _Lifespan(receive, send)
        try:
            await self.application(scope, events.receive, events.send)
        except Exception:  # the protocol: any error means that there is no lifespan
            if events.sent:
                raise
        await events.complete_rest()


class _Lifespan:
    """The events of a server, and the answers to them."""

    def __init__(self, receive: _Receive, send: _Send) -> None:
        self._receive = receive
        self._send = send
        self.received: list[str] = []
        self.sent: list[str] = []

    async def receive(self) -> _Event:
        event = await self._receive()
        if event["type"] == "lifespan.shutdown":
            # asgi.py imports this module before Django's apps are loaded.
            from crudauth_django.dispatch.base import get_dispatcher

            await asyncio.to_thread(get_dispatcher().drain)
        self.received.append(event["type"])
        return event

    async def send(self, event: _Event) -> None:
        self.sent.append(event["type"])
        await self._send(event)

    async def complete_rest(self) -> None:
        """Answer each event that the application left unanswered."""
        while not self.sent or self.sent[-1] == "lifespan.startup.complete":
            if len(self.received) == len(self.sent):
                await self.receive()
            await self.send({"type": f"{self.received[-1]}.complete"})
