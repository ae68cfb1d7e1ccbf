"""Workers of the thread pool that die, or can't be hired."""

from __future__ import annotations

import subprocess
import sys

from tests.support import parts

PREAMBLE = """
import os, threading, time
import django
django.setup()
from crudauth_django.dispatch.threads import ThreadDispatcher
from crudauth_django.delivery.message import PendingMessage
def asked(): return PendingMessage(kind="reset_password", value="x")
"""


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + code],
        env=parts.environment(database=":memory:"),
        cwd=parts.ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=parts.PATIENCE,
    )
    return done.stdout


def test_a_worker_that_is_ended_is_replaced():
    told = run("""
def answer(message):
    if message.attempt == 1:
        raise SystemExit
    os.write(1, b"answered ")

pool = ThreadDispatcher(handler=answer, jitter=0, workers=2, drain=5)
for attempt in (1, 1, 1, 2, 2):
    pool.dispatch(PendingMessage(kind="reset_password", value="x", attempt=attempt))
pool.drain()
""")

    assert told.split() == ["answered", "answered"]


def test_a_thread_that_cannot_start_holds_no_place():
    told = run("""
def answer(message):
    os.write(1, b"answered ")

start, threading.Thread.start = threading.Thread.start, None
def refuse(thread):
    raise RuntimeError("can't start new thread")
threading.Thread.start = refuse
pool = ThreadDispatcher(handler=answer, jitter=0, workers=1, drain=5)
pool.dispatch(asked())
threading.Thread.start = start
pool.dispatch(asked())
pool.drain()
""")

    assert told.split() == ["answered", "answered"]
