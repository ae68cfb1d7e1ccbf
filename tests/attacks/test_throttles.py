"""Parallel requests of one network against a limit (CWE-362, OWASP API4:2023)."""

from __future__ import annotations

from collections import Counter
from functools import partial
from http import HTTPStatus

import pytest

from tests.support.site import network, new_user, site
from tests.support.waiting import at_once

pytestmark = pytest.mark.slow

LIMIT = 4


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def live_site(request, databases, tmp_path_factory):
    with site(
        "gunicorn-threads",
        database=databases.fresh(request.param),
        folder=tmp_path_factory.mktemp("throttles"),
        CRUDAUTH_THROTTLES={"register": f"{LIMIT}/h", "login": f"{LIMIT}/h"},
    ) as running:
        yield running


def test_parallel_registrations_stay_within_the_rate(live_site):
    address = network()
    # Counts that are taken back must leave no room for the others.
    bodies = [new_user().body for _ in range(12)]
    weak = [{**body, "password": "password"} for body in bodies[8:]]
    calls = [
        partial(live_site.post, "/register", body, address=address)
        for body in [*bodies[:8], *weak]
    ]

    responses = at_once(calls)

    counted = Counter(response.status_code for response in responses)
    assert 0 < counted[HTTPStatus.ACCEPTED] <= LIMIT
    assert sum(counted.values()) == counted[HTTPStatus.ACCEPTED] + (
        counted[HTTPStatus.TOO_MANY_REQUESTS] + counted[HTTPStatus.BAD_REQUEST]
    )


def test_parallel_logins_stay_within_the_rate(live_site):
    person = new_user()
    live_site.register(person)
    body = {"username": person.username, "password": person.password}
    log_in = partial(live_site.post, "/login", body, address=network())

    responses = at_once([log_in] * 12)

    counted = Counter(response.status_code for response in responses)
    assert counted == {
        HTTPStatus.OK: LIMIT,
        HTTPStatus.TOO_MANY_REQUESTS: 12 - LIMIT,
    }
