"""The port of dispatchers, and the simplest one."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import cast

from crudauth_django.conf.settings import cached_setting, get_settings
from crudauth_django.delivery.deliver import deliver_message
from crudauth_django.delivery.message import PendingMessage

Handler = Callable[[PendingMessage], PendingMessage | None]


class Dispatcher(ABC):
    """Accepts a pending message and returns at once; delivers it elsewhere.

    Subclasses call ``self.handler`` off the request. It tries the message once
    and returns the next attempt, to be made at its ``due_at``, or ``None``.
    """

    #: Whether messages survive the process.
    durable = False

    def __init__(self, *, handler: Handler = deliver_message) -> None:
        self.handler = handler

    @abstractmethod
    def dispatch(self, message: PendingMessage) -> None:
        """Accept a message; never raise for a problem of its delivery."""

    def drain(self) -> None:  # noqa: B027 (most queues are outside of the process)
        """Deliver what waits in this process, before the process ends.

        It blocks. By default nothing waits in the process.
        """


class InlineDispatcher(Dispatcher):
    """Delivers before it returns, in one attempt: for tests and consoles only.

    On a site, the time of the response would reveal accounts.
    """

    def dispatch(self, message: PendingMessage) -> None:
        self.handler(message)


@cached_setting("CRUDAUTH_DISPATCHER")
def get_dispatcher() -> Dispatcher:
    """Return the dispatcher that ``CRUDAUTH_DISPATCHER`` names."""
    return cast("Dispatcher", get_settings().dispatcher.build())
