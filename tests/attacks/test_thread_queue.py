"""A queue full of messages that fail does not delay a message that can be sent.

Sources: CWE-400 (uncontrolled resource consumption); CWE-770 (allocation without
limits); OWASP API4:2023; Google SRE Book, chapter 22 (a retry must not starve first
attempts).
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from itertools import count

import pytest

from crudauth_django.delivery.message import PendingMessage
from crudauth_django.dispatch.threads import ThreadDispatcher
from tests.support.client import PASSWORD
from tests.support.handlers import RecordingHandler
from tests.support.site import new_user, site
from tests.support.waiting import eventually

#: Networks of the stranger; each registers as often as its throttle allows.
NETWORKS = 35
#: The places in the queue of each of two processes, and the registrations of each
#: network. The defaults are a thousand, and thirty an hour.
SIZE, EACH = 50, 4
#: Seconds: several times the jitter of a delivery, and less than any wait.
AT_ONCE = 4


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_unroutable_numbers_do_not_delay_the_owner(kind, databases, tmp_path):
    outbox = tmp_path / "outbox.jsonl"
    owner = new_user()
    with site(
        "gunicorn-threads",
        database=databases.fresh(kind),
        folder=tmp_path,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        CRUDAUTH_TARGET_BUDGET=None,
        CRUDAUTH_DISPATCHER={
            "BACKEND": "crudauth_django.dispatch.ThreadDispatcher",
            "OPTIONS": {"size": SIZE},
        },
        CRUDAUTH_CHANNELS=[
            {
                "BACKEND": "tests.support.channels.RoutingChannel",
                "OPTIONS": {"path": str(outbox)},
            }
        ],
    ) as live_site:
        live_site.register(owner)
        numbers = count(2_000_000)
        for network in range(NETWORKS):
            for _ in range(EACH):
                body = {
                    "username": new_user().username,
                    "phone": f"+1900{next(numbers)}",
                    "password": PASSWORD,
                }
                address = f"2001:db8:77:{network:x}::1"
                assert live_site.post("/register", body, address=address).ok
        refused = outbox.with_suffix(".refused")
        eventually(lambda: len(set(refused.read_text().split())) == NETWORKS * EACH)

        started = time.monotonic()
        for _ in range(5):
            live_site.post("/password/reset-request", {"phone": owner.phone})
        eventually(
            lambda: (
                Counter(m["kind"] for m in live_site.messages())["reset_password"] == 5
            )
        )
        lasted = time.monotonic() - started
        log = live_site.log.read_text()

    assert lasted < AT_ONCE
    assert "The queue is full" not in log


@pytest.mark.django_db(transaction=True)
def test_retries_of_a_thousand_messages_leave_room_for_owner(caplog):
    caplog.set_level(logging.ERROR)
    handler = RecordingHandler()

    def fail_for_stranger(message: PendingMessage) -> PendingMessage | None:
        if message.value.startswith("+1900"):
            return message.next_attempt(channels=["sms"])
        return None

    handler.result = fail_for_stranger
    pool = ThreadDispatcher(jitter=0, size=1000, drain=20, handler=handler)
    # A few at a time: the attack takes minutes, and each first attempt milliseconds.
    for number in range(1050):
        pool.dispatch(PendingMessage(kind="verify_recovery", value=f"+1900{number}"))
        if number % 50 == 0:
            handler.wait_for(number)
    handler.wait_for(1050)

    for _ in range(5):
        pool.dispatch(PendingMessage(kind="reset_password", value="+12125552368"))

    eventually(lambda: [m.kind for m in handler.handled].count("reset_password") == 5)
    assert "is lost" not in caplog.text
    assert len(pool._retries) <= 500
    handler.result = lambda _message: None
    pool.drain()
