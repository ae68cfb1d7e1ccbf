"""Responses do not wait for the provider."""

from __future__ import annotations

import pytest

from tests.support.parts import SERVERS
from tests.support.site import new_user, site
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("server", SERVERS)
def test_responses_do_not_wait_for_slow_provider(server, databases, tmp_path):
    channel = {
        "BACKEND": "tests.support.channels.RecordingChannel",
        "OPTIONS": {"path": str(tmp_path / "outbox.jsonl"), "seconds": 3},
    }
    person = new_user()
    with site(
        server,
        database=databases.fresh("sqlite"),
        folder=tmp_path,
        CRUDAUTH_CHANNELS=[channel],
    ) as live_site:
        live_site.register(person)
        started = tmp_path / "outbox.begun"
        eventually(lambda: started.exists() and started.read_text().splitlines())

        response = live_site.post("/password/reset-request", {"phone": person.phone})
        next_response = live_site.post(
            "/password/reset-request", {"phone": "+12125559999"}
        )
        delivered_meanwhile = live_site.messages()

        assert response.ok
        assert next_response.ok
        assert delivered_meanwhile == []
        assert live_site.token("reset_password", person.phone)
