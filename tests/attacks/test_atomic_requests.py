"""Projects whose every request is a transaction."""

from __future__ import annotations

from collections import Counter
from functools import partial
from http import HTTPStatus

import pytest
import requests

from tests.support.client import PASSWORD
from tests.support.projects.project import database as read_database
from tests.support.site import network, site, somebody, statuses
from tests.support.waiting import at_once

ATTEMPTS = 5
NEW_PASSWORD = "a whole new staple"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def place(request, databases, tmp_path_factory):
    uri = databases.fresh(request.param)
    with site(
        "gunicorn-threads",
        database=uri,
        folder=tmp_path_factory.mktemp("atomic"),
        DATABASES={"default": {**read_database(uri), "ATOMIC_REQUESTS": True}},
        ROOT_URLCONF="tests.attacks.views",
    ) as running:
        yield running


def log_in(place, person, password, path="/login"):
    return place.post(path, {"username": person.username, "password": password})


def test_a_reset_ends_the_lock_that_failures_began(place):
    person = somebody()
    place.register(person)
    session = place.log_in(person)

    failures = [log_in(place, person, "a wrong one") for _ in range(ATTEMPTS + 1)]
    locked = log_in(place, person, PASSWORD)
    place.post("/password/reset-request", {"phone": person.phone})
    token = place.token("reset_password", person.phone)
    weak = place.post("/password/reset-confirm", {"token": token, "new_password": "x"})
    reset = place.post(
        "/password/reset-confirm", {"token": token, "new_password": NEW_PASSWORD}
    )

    assert statuses(failures) == [HTTPStatus.UNAUTHORIZED] * ATTEMPTS + [
        HTTPStatus.TOO_MANY_REQUESTS
    ]
    assert locked.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert weak.status_code == HTTPStatus.BAD_REQUEST
    assert reset.ok
    assert place.get("/me", session=session).status_code == HTTPStatus.UNAUTHORIZED
    assert log_in(place, person, NEW_PASSWORD).ok


def test_parallel_guesses_share_one_budget(place):
    person = somebody()
    place.register(person)

    answers = at_once([partial(log_in, place, person, "a wrong one")] * 20)

    counted = Counter(statuses(answers))
    assert set(counted) == {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS}
    assert counted[HTTPStatus.UNAUTHORIZED] <= ATTEMPTS


def test_a_refused_registration_leaves_nothing_and_an_accepted_one_all(place):
    person = somebody()
    place.register(person)

    again = place.post("/register", person.body)

    assert again.status_code == HTTPStatus.BAD_REQUEST
    assert place.holders(person.phone) == [person.username]
    assert place.token("verify_recovery", person.phone)


@pytest.fixture(scope="module")
def postgres_place(databases, tmp_path_factory):
    uri = databases.fresh("postgresql")
    with site(
        "gunicorn-threads",
        database=uri,
        folder=tmp_path_factory.mktemp("atomic-view"),
        DATABASES={"default": {**read_database(uri), "ATOMIC_REQUESTS": True}},
        ROOT_URLCONF="tests.attacks.views",
    ) as running:
        yield running


def test_a_view_that_raises_after_authenticate_has_counted_all_the_same(
    postgres_place,
):
    person = somebody()
    postgres_place.register(person)

    right_before = log_in(postgres_place, person, PASSWORD, "/token")
    failures = [
        log_in(postgres_place, person, "a wrong one", "/token") for _ in range(ATTEMPTS)
    ]
    right_after = log_in(postgres_place, person, PASSWORD, "/token")
    elsewhere = log_in(postgres_place, person, PASSWORD)

    assert right_before.ok
    assert not any(answer.ok for answer in failures)
    assert not right_after.ok
    assert elsewhere.status_code == HTTPStatus.TOO_MANY_REQUESTS


def test_parallel_guesses_at_such_a_view_share_one_budget(postgres_place):
    person = somebody()
    postgres_place.register(person)
    guess = partial(log_in, postgres_place, person, "a wrong one", "/token")

    at_once([guess] * 20)
    right = log_in(postgres_place, person, PASSWORD, "/token")

    assert not right.ok


def test_the_admin_lets_its_staff_in_and_counts_its_strangers(place):
    person = somebody()
    place.register(person)
    place.rows(
        "UPDATE phone_user SET is_staff = TRUE WHERE username = %s", person.username
    )

    entered = enter_admin(place, person.username, PASSWORD)
    failures = [
        enter_admin(place, person.username, "a wrong one") for _ in range(ATTEMPTS)
    ]
    locked = enter_admin(place, person.username, PASSWORD)

    assert entered.status_code == HTTPStatus.FOUND
    assert statuses([*failures, locked]) == [HTTPStatus.OK] * (ATTEMPTS + 1)


def enter_admin(place, username, password):
    browser = requests.Session()
    browser.headers["X-Forwarded-For"] = network()
    page = place.url + "/admin/login/"
    browser.get(page, timeout=60)
    credentials = {
        "username": username,
        "password": password,
        "csrfmiddlewaretoken": browser.cookies["csrftoken"],
    }
    return browser.post(page, data=credentials, timeout=90, allow_redirects=False)
