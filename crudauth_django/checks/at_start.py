"""Run the checks once in a process that serves requests.

A WSGI or ASGI server runs no system checks: without this module, a project that is
only deployed never sees them. Django has no hook for the start of a server, so the
checks run at the first request.
"""

import logging
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_started
from django.dispatch import receiver

from crudauth_django.asgi import DrainAtShutdown
from crudauth_django.checks.base import AT_START, Messages, parsed, result_or_error
from crudauth_django.dispatch.base import Dispatcher

logger = logging.getLogger(__name__)


@receiver(request_started, dispatch_uid=AT_START)
def check_at_start(sender: Any, **_kwargs: Any) -> None:
    """Log the problems that the checks find, at a server's first request.

    The checks for production run, too, unless ``DEBUG`` is on. Requests of a test
    client do not count. A management command that ran the checks, such as
    ``runserver``, has disconnected this receiver.
    """
    if not {ASGIHandler, WSGIHandler}.intersection(getattr(sender, "__mro__", ())):
        return
    # Of parallel first requests, one disconnects it.
    is_first = request_started.disconnect(dispatch_uid=AT_START)
    if not is_first or parsed("CRUDAUTH_CHECK_AT_START") is False:
        return
    found = checks.run_checks(
        tags=["crudauth"], include_deployment_checks=not settings.DEBUG
    )
    found += check_asgi() if issubclass(sender, ASGIHandler) else ()
    for each in found:
        if each.level >= checks.WARNING and not each.is_silenced():
            logger.log(each.level, "%s (%s) Hint: %s", each.msg, each.id, each.hint)


def check_asgi() -> Messages:
    """Require the middleware if messages wait in the process of an ASGI server."""
    backend = parsed("CRUDAUTH_DISPATCHER")
    dispatcher = result_or_error(backend.build) if backend else None
    # Messages wait in the process if there is something to drain.
    waits = getattr(type(dispatcher), "drain", None) not in {None, Dispatcher.drain}
    if waits and not DrainAtShutdown.wraps:
        yield checks.Warning(
            f"{type(dispatcher).__name__} holds messages in the process of an ASGI "
            "server: those that wait are lost when uvicorn ends.",
            hint="In asgi.py, write application = "
            "crudauth_django.asgi.DrainAtShutdown(get_asgi_application()).",
            id="crudauth.W030",
        )
