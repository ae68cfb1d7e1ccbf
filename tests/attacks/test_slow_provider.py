"""No answer waits for a provider."""

from __future__ import annotations

import pytest

from tests.support.parts import SERVERS
from tests.support.site import site, somebody
from tests.support.waiting import eventually


@pytest.mark.parametrize("server", SERVERS)
def test_the_answer_and_the_next_one_come_while_the_provider_sleeps(
    server, databases, tmp_path
):
    channel = {
        "BACKEND": "tests.support.channels.RecordingChannel",
        "OPTIONS": {"path": str(tmp_path / "outbox.jsonl"), "seconds": 3},
    }
    person = somebody()
    with site(
        server,
        database=databases.fresh("sqlite"),
        folder=tmp_path,
        CRUDAUTH_CHANNELS=[channel],
    ) as place:
        place.register(person)
        begun = tmp_path / "outbox.begun"
        eventually(lambda: begun.exists() and begun.read_text().splitlines())

        answer = place.post("/password/reset-request", {"phone": person.phone})
        following = place.post("/password/reset-request", {"phone": "+12125559999"})
        delivered_by_then = place.messages()

        assert answer.ok
        assert following.ok
        assert delivered_by_then == []
        assert place.token("reset_password", person.phone)
