"""Check the dispatcher."""

from django.core import checks

from crudauth_django.checks.base import Messages, build, parsed, system_check
from crudauth_django.dispatch.base import Dispatcher, InlineDispatcher
from crudauth_django.dispatch.tasks import TaskDispatcher


@system_check()
def check_dispatcher() -> Messages:
    """Require a usable dispatcher."""
    backend = parsed("CRUDAUTH_DISPATCHER")
    if backend is None:
        return
    dispatcher = build(backend.build)
    if isinstance(dispatcher, Exception):
        yield checks.Error(
            f"The dispatcher {backend.path!r} can't be used: {dispatcher}",
            hint="Correct CRUDAUTH_DISPATCHER, its OPTIONS or TASKS.",
            id="crudauth.E014",
        )
    elif not isinstance(dispatcher, Dispatcher):
        yield checks.Error(
            f"{backend.path!r} is not a Dispatcher.",
            hint="Inherit crudauth_django.dispatch.Dispatcher.",
            id="crudauth.E015",
        )


@system_check(deploy=True)
def check_dispatcher_for_production() -> Messages:
    """Require deliveries outside of the request, and retries."""
    backend = parsed("CRUDAUTH_DISPATCHER")
    dispatcher = build(backend.build) if backend else None
    if type(dispatcher) is InlineDispatcher:
        yield checks.Error(
            "InlineDispatcher delivers within the request, so response times reveal "
            "which accounts exist.",
            hint="Use ThreadDispatcher or TaskDispatcher.",
            id="crudauth.E016",
        )
    elif isinstance(dispatcher, TaskDispatcher) and not dispatcher.durable:
        yield checks.Warning(
            "The tasks backend can't defer tasks: messages are delivered within the "
            "request and not retried.",
            hint="Use a backend with a worker, such as django-tasks-db.",
            id="crudauth.W004",
        )
