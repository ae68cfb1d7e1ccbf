"""The checks at the first request of a server's process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core import checks
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_started

from crudauth_django.asgi import DrainAtShutdown
from crudauth_django.checks import at_start
from crudauth_django.checks.base import AT_START

THREADS = "crudauth_django.dispatch.ThreadDispatcher"
TASKS = "crudauth_django.dispatch.TaskDispatcher"


@pytest.fixture(autouse=True)
def new_process(monkeypatch) -> Iterator[None]:
    """A process that has neither handled a request nor run the checks."""
    monkeypatch.setattr(DrainAtShutdown, "wraps", False)
    request_started.connect(at_start.check_at_start, dispatch_uid=AT_START)
    yield
    request_started.disconnect(dispatch_uid=AT_START)


def start(handler: type, *, requests: int = 1) -> None:
    """Receive the signal of a first request; a server sends it."""
    for _ in range(requests):
        at_start.check_at_start(sender=handler)


def ids_in(caplog) -> list[str]:
    return [r.args[1].removeprefix("crudauth.") for r in caplog.records]


def test_first_request_logs_errors_and_warnings_once(settings, caplog):
    settings.CRUDAUTH_CHANELS = []
    settings.CRUDAUTH_LOCKOUT = None

    start(WSGIHandler, requests=2)

    levels = {r.args[1]: r.levelname for r in caplog.records}
    assert levels["crudauth.E020"] == "ERROR"
    assert levels["crudauth.W012"] == "WARNING"
    assert ids_in(caplog).count("E020") == 1


def test_first_request_logs_message_with_hint(settings, caplog):
    settings.DEBUG = True
    settings.CRUDAUTH_CHANELS = []

    start(WSGIHandler)

    (record,) = caplog.records
    assert record.getMessage().startswith(
        "CRUDAUTH_CHANELS is not a setting. (crudauth.E020) Hint: "
    )


def test_setting_switches_checks_at_start_off(settings, caplog):
    settings.CRUDAUTH_CHECK_AT_START = False
    settings.CRUDAUTH_CHANELS = []

    start(WSGIHandler)

    assert caplog.records == []


def test_silenced_check_is_not_logged(settings, caplog):
    settings.DEBUG = True
    settings.CRUDAUTH_CHANELS = []
    settings.SILENCED_SYSTEM_CHECKS = ["crudauth.E020"]

    start(WSGIHandler)

    assert caplog.records == []


def test_checks_of_a_command_are_not_repeated(settings, caplog):
    settings.CRUDAUTH_CHANELS = []
    checks.run_checks(tags=["crudauth"])

    start(WSGIHandler)

    assert caplog.records == []


@pytest.mark.django_db
def test_requests_of_test_client_run_no_checks(settings, caplog, client):
    settings.CRUDAUTH_CHANELS = []

    client.get("/me")

    assert [r for r in caplog.records if r.name == at_start.logger.name] == []


@pytest.mark.parametrize(
    ("handler", "dispatcher", "wrapped", "expected"),
    [
        (ASGIHandler, THREADS, False, ["W030"]),
        (ASGIHandler, THREADS, True, []),
        (ASGIHandler, TASKS, False, []),
        (WSGIHandler, THREADS, False, []),
    ],
)
def test_waiting_messages_in_unwrapped_asgi_server_are_w030(
    settings, caplog, handler, dispatcher, wrapped, expected
):
    settings.DEBUG = True
    settings.CRUDAUTH_DISPATCHER = dispatcher
    if wrapped:
        DrainAtShutdown(ASGIHandler())

    start(handler)

    assert ids_in(caplog) == expected
