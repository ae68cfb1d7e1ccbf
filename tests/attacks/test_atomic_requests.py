"""Projects with ``ATOMIC_REQUESTS``: a failed request rolls back its own writes."""

from __future__ import annotations

from collections import Counter
from functools import partial
from http import HTTPStatus

import pytest
import requests

from tests.support.client import NEW_PASSWORD, PASSWORD
from tests.support.projects.project import database as read_database
from tests.support.site import network, new_user, site, statuses
from tests.support.waiting import at_once

pytestmark = pytest.mark.slow

ATTEMPTS = 5


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def live_site(request, databases, tmp_path_factory):
    uri = databases.fresh(request.param)
    with site(
        "gunicorn-threads",
        database=uri,
        folder=tmp_path_factory.mktemp("atomic"),
        DATABASES={"default": {**read_database(uri), "ATOMIC_REQUESTS": True}},
        ROOT_URLCONF="tests.attacks.views",
    ) as running:
        yield running


def log_in(live_site, person, password, path="/login", address=None):
    body = {"username": person.username, "password": password}
    return live_site.post(path, body, address=address)


def test_reset_after_failed_logins_ends_lockout(live_site):
    person = new_user()
    live_site.register(person)
    session = live_site.log_in(person)
    home = network()

    failures = [
        log_in(live_site, person, "a wrong one", address=home)
        for _ in range(ATTEMPTS + 1)
    ]
    locked = log_in(live_site, person, PASSWORD, address=home)
    live_site.post("/password/reset-request", {"phone": person.phone})
    token = live_site.token("reset_password", person.phone)
    weak = live_site.post(
        "/password/reset-confirm", {"token": token, "new_password": "x"}
    )
    body = {"token": token, "new_password": NEW_PASSWORD}
    reset = live_site.post("/password/reset-confirm", body, address=home)

    assert statuses(failures) == [HTTPStatus.UNAUTHORIZED] * ATTEMPTS + [
        HTTPStatus.TOO_MANY_REQUESTS
    ]
    assert locked.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert weak.status_code == HTTPStatus.BAD_REQUEST
    assert reset.ok
    assert live_site.get("/me", session=session).status_code == HTTPStatus.UNAUTHORIZED
    assert log_in(live_site, person, NEW_PASSWORD, address=home).ok


def test_parallel_guesses_share_one_budget(live_site):
    person = new_user()
    live_site.register(person)

    guess = partial(log_in, live_site, person, "a wrong one", address=network())
    responses = at_once([guess] * 20)

    counted = Counter(statuses(responses))
    assert set(counted) == {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS}
    assert counted[HTTPStatus.UNAUTHORIZED] <= ATTEMPTS


def test_repeated_registration_is_refused_and_first_remains(live_site):
    person = new_user()
    live_site.register(person)

    again = live_site.post("/register", person.body)

    assert again.status_code == HTTPStatus.BAD_REQUEST
    assert live_site.holders(person.phone) == [person.username]
    assert live_site.token("verify_recovery", person.phone)


@pytest.fixture(scope="module")
def postgres_site(databases, tmp_path_factory):
    uri = databases.fresh("postgresql")
    with site(
        "gunicorn-threads",
        database=uri,
        folder=tmp_path_factory.mktemp("atomic-view"),
        DATABASES={"default": {**read_database(uri), "ATOMIC_REQUESTS": True}},
        ROOT_URLCONF="tests.attacks.views",
    ) as running:
        yield running


def test_view_raising_after_authenticate_still_counts_failures(
    postgres_site,
):
    person = new_user()
    postgres_site.register(person)

    right_before = log_in(postgres_site, person, PASSWORD, "/token")
    failures = [
        log_in(postgres_site, person, "a wrong one", "/token") for _ in range(ATTEMPTS)
    ]
    right_after = log_in(postgres_site, person, PASSWORD, "/token")
    elsewhere = log_in(postgres_site, person, PASSWORD)

    assert right_before.ok
    assert not any(response.ok for response in failures)
    assert not right_after.ok
    assert elsewhere.status_code == HTTPStatus.UNAUTHORIZED


def test_parallel_guesses_at_raising_view_share_one_budget(postgres_site):
    person = new_user()
    postgres_site.register(person)
    guess = partial(log_in, postgres_site, person, "a wrong one", "/token")

    at_once([guess] * 20)
    right = log_in(postgres_site, person, PASSWORD, "/token")

    assert not right.ok


def test_admin_login_admits_staff_and_counts_failures(live_site):
    person = new_user()
    live_site.register(person)
    # On SQLite, a delivery in the background can keep an attempt from being
    # counted; the attempt is refused then.
    live_site.token("verify_recovery", person.phone)
    live_site.rows(
        "UPDATE phone_user SET is_staff = TRUE WHERE username = %s", person.username
    )

    admitted = log_in_to_admin(live_site, person.username, PASSWORD)
    failures = [
        log_in_to_admin(live_site, person.username, "a wrong one")
        for _ in range(ATTEMPTS)
    ]
    locked = log_in_to_admin(live_site, person.username, PASSWORD)

    assert admitted.status_code == HTTPStatus.FOUND
    assert statuses([*failures, locked]) == [HTTPStatus.OK] * (ATTEMPTS + 1)


def log_in_to_admin(live_site, username, password):
    browser = requests.Session()
    browser.headers["X-Forwarded-For"] = network()
    page = live_site.url + "/admin/login/"
    browser.get(page, timeout=60)
    credentials = {
        "username": username,
        "password": password,
        "csrfmiddlewaretoken": browser.cookies["csrftoken"],
    }
    return browser.post(page, data=credentials, timeout=90, allow_redirects=False)
