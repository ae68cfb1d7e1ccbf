"""Responses do not wait for the provider."""

from __future__ import annotations

import pytest

from tests.attacks.site import site, somebody, wait_for
from tests.parts import SERVERS


@pytest.mark.parametrize("server", SERVERS)
def test_responses_do_not_wait_for_slow_provider(server, databases, tmp_path):
    channel = {
        "BACKEND": "tests.channels_for_tests.FileChannel",
        "OPTIONS": {"path": str(tmp_path / "outbox.jsonl"), "seconds": 3},
    }
    person = somebody()
    with site(
        server,
        database=databases.fresh("sqlite"),
        folder=tmp_path,
        CRUDAUTH_CHANNELS=[channel],
    ) as live_site:
        live_site.register(person)
        started = tmp_path / "outbox.begun"
        wait_for(lambda: started.exists() and started.read_text().splitlines())

        response = live_site.post("/password/reset-request", {"phone": person.phone})
        next_response = live_site.post(
            "/password/reset-request", {"phone": "+12125559999"}
        )
        delivered_meanwhile = live_site.messages()

        assert response.ok
        assert next_response.ok
        assert delivered_meanwhile == []
        assert live_site.token("reset_password", person.phone)
