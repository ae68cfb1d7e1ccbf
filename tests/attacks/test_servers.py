"""Real web servers that end while messages wait, and that start misconfigured.

Sources: ASGI specification, lifespan protocol 2.0; CWE-404 (improper resource
shutdown); OWASP Logging Cheat Sheet (log what an operator has to act on).
"""

from __future__ import annotations

import re
import signal
from functools import partial

import pytest

from tests.support import parts
from tests.support.site import SETTINGS, Site, new_user
from tests.support.waiting import at_once

pytestmark = pytest.mark.slow

ASGI = "tests.support.servers:asgi"
DRAINING = "tests.support.draining:application"
REGISTRATIONS = 8
#: Seconds of the provider for each message; a process has four threads.
SECONDS = 1


@pytest.mark.parametrize(
    ("server", "number"),
    [
        ("uvicorn", signal.SIGTERM),
        ("uvicorn", signal.SIGINT),
        ("uvicorn-workers", signal.SIGTERM),
        ("uvicorn-workers", signal.SIGINT),
        # SIGINT is gunicorn's quick shutdown, which waits for no request.
        ("gunicorn-uvicorn", signal.SIGTERM),
    ],
)
def test_server_delivers_waiting_messages_before_it_ends(
    server, number, databases, tmp_path
):
    outbox, log = tmp_path / "outbox.jsonl", tmp_path / "server.log"
    database = databases.fresh("postgresql")
    channel = {
        "BACKEND": "tests.support.channels.RecordingChannel",
        "OPTIONS": {"path": str(outbox), "seconds": SECONDS},
    }
    env = parts.environment(
        database=database, settings={**SETTINGS, "CRUDAUTH_CHANNELS": [channel]}
    )
    command = [*parts.DRAINING_SERVERS[server], DRAINING]
    with parts.run_server(command, env=env, log=log) as (url, process):
        site = Site(url=url, database=database, outbox=outbox, log=log)
        at_once([partial(site.register, new_user()) for _ in range(REGISTRATIONS)])
        delivered_before = len(site.messages())
        process.send_signal(number)
        process.wait(timeout=60)

    assert delivered_before < REGISTRATIONS
    assert len(site.messages()) == REGISTRATIONS
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize(
    ("server", "application", "expected"),
    [
        ("uvicorn", ASGI, {"E020", "W030"}),
        ("uvicorn", DRAINING, {"E020"}),
        ("gunicorn-uvicorn", ASGI, {"E020", "W030"}),
        ("gunicorn", "tests.support.servers:wsgi", {"E020"}),
    ],
)
def test_server_logs_checks_at_first_request(
    server, application, expected, databases, tmp_path
):
    log = tmp_path / "server.log"
    wrong = {
        **SETTINGS,
        "CRUDAUTH_CHANELS": [],
        "SILENCED_SYSTEM_CHECKS": ["crudauth.W007", "crudauth.W012", "crudauth.W032"],
    }
    env = parts.environment(database=databases.fresh("sqlite"), settings=wrong)
    gunicorn = parts.SERVERS["gunicorn-sync"][:-1]
    commands = {**parts.DRAINING_SERVERS, "gunicorn": gunicorn}
    with parts.run_server([*commands[server], application], env=env, log=log):
        pass

    found = re.findall(r"\(crudauth\.(\w+)\) Hint: ", log.read_text())
    assert set(found) == expected
