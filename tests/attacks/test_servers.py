"""Real web servers that end while messages wait, and that start misconfigured.

Sources: ASGI specification, lifespan protocol 2.0; CWE-404 (improper resource
shutdown); OWASP Logging Cheat Sheet (log what an operator has to act on).
"""

from __future__ import annotations

import signal
from functools import partial

import pytest

from tests.support import parts
from tests.support.site import SETTINGS, Site, new_user
from tests.support.waiting import at_once

pytestmark = pytest.mark.slow

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
    command = [*parts.DRAINING_SERVERS[server], "tests.support.servers:draining_asgi"]
    with parts.run_server(command, env=env, log=log) as (url, process):
        site = Site(url=url, database=database, outbox=outbox, log=log)
        at_once([partial(site.register, new_user()) for _ in range(REGISTRATIONS)])
        delivered_before = len(site.messages())
        process.send_signal(number)
        process.wait(timeout=60)

    assert delivered_before < REGISTRATIONS
    assert len(site.messages()) == REGISTRATIONS
    assert "Traceback" not in log.read_text()
