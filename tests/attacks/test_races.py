"""Parallel requests against real servers and databases."""

from __future__ import annotations

from collections import Counter
from functools import partial
from http import HTTPStatus
from typing import Any

import pytest

from tests.support.client import PASSWORD
from tests.support.site import NewUser, Site, network, new_user, site, statuses
from tests.support.waiting import at_once

pytestmark = pytest.mark.slow

#: The number of parallel requests.
PARALLEL = 20
#: The lockout's limit (``CRUDAUTH_LOCKOUT``).
ATTEMPTS = 5
#: Failures before a network is locked out here; 50 by default.
NETWORK_ATTEMPTS = 12
ONE_REDEEMED = [HTTPStatus.OK] + [HTTPStatus.BAD_REQUEST] * (PARALLEL - 1)
SERVERS_AND_DATABASES = [
    ("gunicorn-sync", "sqlite"),
    ("gunicorn-sync", "postgresql"),
    ("gunicorn-threads", "sqlite"),
    ("gunicorn-threads", "postgresql"),
]


@pytest.fixture(scope="module", params=SERVERS_AND_DATABASES, ids="-".join)
def live_site(request, databases, tmp_path_factory):
    server, kind = request.param
    folder = tmp_path_factory.mktemp("site")
    with site(
        server,
        database=databases.fresh(kind),
        folder=folder,
        CRUDAUTH_LOCKOUT={"NETWORK_ATTEMPTS": NETWORK_ATTEMPTS},
    ) as running:
        yield running


@pytest.fixture(scope="module", params=["email", "email_username"])
def shape(request):
    return request.param


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def email_site(request, shape, databases, tmp_path_factory):
    """A site with the email address as a login identifier."""
    with site(
        "gunicorn-threads",
        database=databases.fresh(request.param, shape),
        folder=tmp_path_factory.mktemp(shape),
        shape=shape,
    ) as running:
        yield running


@pytest.fixture(scope="module")
def valkey_site(valkey_url, databases, tmp_path_factory):
    cache = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": valkey_url,
    }
    with site(
        "gunicorn-threads",
        database=databases.fresh("sqlite"),
        folder=tmp_path_factory.mktemp("valkey"),
        CACHES={"default": cache},
        CRUDAUTH_COUNTERS="crudauth_django.counters.CacheCounters",
    ) as running:
        yield running


def register_person(live_site: Site) -> NewUser:
    person = new_user()
    live_site.register(person)
    return person


def reset_token(live_site: Site, person: NewUser) -> str:
    live_site.post("/password/reset-request", {"phone": person.phone})
    return live_site.token("reset_password", person.phone)


def new_password(number: int) -> str:
    return f"a whole new staple {number}"


def reset(live_site: Site, token: str, number: int) -> Any:
    body = {"token": token, "new_password": new_password(number)}
    return live_site.post("/password/reset-confirm", body)


def log_in(live_site: Site, username: str, password: str, **options: Any) -> Any:
    body = {"username": username, "password": password}
    return live_site.post("/login", body, **options)


def test_parallel_verifications_redeem_token_once(live_site):
    person = register_person(live_site)
    token = live_site.token("verify_recovery", person.phone)
    confirm = partial(live_site.post, "/email/verify-confirm", {"token": token})

    responses = at_once([confirm] * PARALLEL)

    assert statuses(responses) == ONE_REDEEMED
    assert live_site.holders(person.phone) == [person.username]


def test_parallel_resets_redeem_token_once(live_site):
    person = register_person(live_site)
    token = reset_token(live_site, person)

    responses = at_once([partial(reset, live_site, token, n) for n in range(PARALLEL)])

    assert statuses(responses) == ONE_REDEEMED
    (redeemed,) = (n for n, response in enumerate(responses) if response.ok)
    refused_number = (redeemed + 1) % PARALLEL
    assert log_in(live_site, person.username, new_password(redeemed)).ok
    refused = log_in(live_site, person.username, new_password(refused_number))
    assert refused.status_code == HTTPStatus.UNAUTHORIZED


def test_parallel_resets_with_two_tokens_redeem_one(live_site):
    person = register_person(live_site)
    first = reset_token(live_site, person)
    live_site.post("/password/reset-request", {"phone": person.phone})
    tokens = [first, live_site.token("reset_password", person.phone)]

    responses = at_once(
        [partial(reset, live_site, tokens[n % 2], n) for n in range(PARALLEL)]
    )

    assert statuses(responses) == ONE_REDEEMED


def test_parallel_changes_redeem_token_once(live_site):
    person, new = register_person(live_site), new_user().phone
    session = live_site.log_in(person)
    requested = live_site.post(
        "/email/change-request",
        {"new_phone": new, "password": PASSWORD},
        session=session,
    )
    token = live_site.token("change_recovery", new)
    confirm = partial(live_site.post, "/email/change-confirm", {"token": token})

    responses = at_once([confirm] * PARALLEL)

    assert requested.ok
    assert statuses(responses) == ONE_REDEEMED
    assert live_site.holders(new) == [person.username]
    assert live_site.holders(person.phone) == []


def test_two_accounts_verifying_one_number_leave_one_holder(live_site):
    one, other = new_user(), new_user()
    rival = NewUser(username=other.username, phone=one.typed_phone)
    confirmations = []
    for person in (one, rival):
        live_site.register(person)
        account = person.username
        token = live_site.token("verify_recovery", one.phone, account=account)
        session = live_site.log_in(person)
        path, body = "/email/verify-confirm", {"token": token}
        confirmations.append(partial(live_site.post, path, body, session=session))

    responses = at_once(confirmations * (PARALLEL // 2))

    counted = Counter(statuses(responses))
    assert set(counted) <= {HTTPStatus.OK, HTTPStatus.BAD_REQUEST}
    assert counted[HTTPStatus.OK] == 1
    assert len(live_site.holders(one.phone)) == 1


def assert_guesses_share_budget(live_site: Site) -> None:
    person = register_person(live_site)
    at_one = {"address": network()}
    guess = partial(log_in, live_site, person.username)

    responses = at_once([partial(guess, "a wrong one", **at_one)] * PARALLEL)

    counted = Counter(statuses(responses))
    assert set(counted) == {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS}
    assert counted[HTTPStatus.UNAUTHORIZED] <= ATTEMPTS
    right = guess(PASSWORD, **at_one)
    assert right.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert int(right.headers["Retry-After"]) > 0
    # The lock over all networks is silent.
    assert guess(PASSWORD).status_code == HTTPStatus.UNAUTHORIZED


def test_parallel_guesses_from_many_networks_share_one_budget(live_site):
    person = register_person(live_site)
    guess = partial(log_in, live_site, person.username)

    responses = at_once([partial(guess, "a wrong one")] * PARALLEL)

    assert statuses(responses) == [HTTPStatus.UNAUTHORIZED] * PARALLEL
    assert guess(PASSWORD).status_code == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize("_round", range(3))
def test_swapping_numbers_leaves_at_most_one_holder_each(live_site, _round):
    people = [register_person(live_site) for _ in range(2)]
    confirmations = []
    for person, other in (people, people[::-1]):
        session = live_site.log_in(person)
        body = {"new_phone": other.phone, "password": PASSWORD}
        live_site.post("/email/change-request", body, session=session)
        body = {"token": live_site.token("change_recovery", other.phone)}
        confirm = partial(live_site.post, "/email/change-confirm", body)
        confirmations.append(partial(confirm, session=session))

    responses = at_once(confirmations)

    assert set(statuses(responses)) <= {HTTPStatus.OK, HTTPStatus.BAD_REQUEST}
    assert any(response.ok for response in responses)
    for person in people:
        assert len(live_site.holders(person.phone)) <= 1


def test_parallel_guesses_share_one_budget(live_site):
    assert_guesses_share_budget(live_site)


def test_parallel_guesses_share_one_budget_in_valkey(valkey_site):
    assert_guesses_share_budget(valkey_site)


def test_parallel_guesses_from_one_network_share_one_budget(live_site):
    address = network()
    guesses = [
        partial(log_in, live_site, f"unknown{n}", "a wrong one", address=address)
        for n in range(PARALLEL)
    ]

    responses = at_once(guesses)

    counted = Counter(statuses(responses))
    assert counted == {
        HTTPStatus.UNAUTHORIZED: NETWORK_ATTEMPTS,
        HTTPStatus.TOO_MANY_REQUESTS: PARALLEL - NETWORK_ATTEMPTS,
    }


def test_parallel_registrations_of_username_create_one_account(live_site):
    username = new_user().username
    people = [
        NewUser(username=username, phone=new_user().phone) for _ in range(PARALLEL)
    ]

    responses = at_once([partial(live_site.post, "/register", p.body) for p in people])

    counted = Counter(statuses(responses))
    assert counted == {HTTPStatus.ACCEPTED: 1, HTTPStatus.BAD_REQUEST: PARALLEL - 1}
    refused = next(response for response in responses if not response.ok)
    assert set(refused.json()) == {"username"}
    found = live_site.rows("SELECT id FROM phone_user WHERE username = %s", username)
    assert len(found) == 1


def test_parallel_registrations_of_number_leave_one_holder(live_site):
    wanted = new_user()
    forms = [wanted.phone, wanted.typed_phone]
    people = [
        NewUser(username=new_user().username, phone=forms[n % 2])
        for n in range(PARALLEL)
    ]

    responses = at_once([partial(live_site.post, "/register", p.body) for p in people])

    assert statuses(responses) == [HTTPStatus.ACCEPTED] * PARALLEL
    assert len({response.content for response in responses}) == 1
    assert len(live_site.holders(wanted.phone)) == 1
    assert len(live_site.claimants(wanted.phone)) == PARALLEL - 1


def test_identical_parallel_registrations_create_one_account(live_site):
    person = new_user()
    register = partial(live_site.post, "/register", person.body)

    responses = at_once([register] * PARALLEL)

    counted = Counter(statuses(responses))
    assert counted == {HTTPStatus.ACCEPTED: 1, HTTPStatus.BAD_REQUEST: PARALLEL - 1}
    assert live_site.holders(person.phone) == [person.username]


def registration_body(shape: str, email: str) -> dict[str, str]:
    body = {"email": email, "password": PASSWORD}
    names = {"username": new_user().username} if shape == "email_username" else {}
    return body | names


@pytest.mark.parametrize("_round", range(3))
def test_email_registered_in_two_cases_creates_one_account(email_site, shape, _round):
    name = new_user().username
    emails = [f"{name}@example.com", f"{name.upper()}@EXAMPLE.com"]
    bodies = [registration_body(shape, email) for email in emails]

    responses = at_once([partial(email_site.post, "/register", b) for b in bodies])

    held = email_site.rows(
        f"SELECT email FROM {shape}_user WHERE lower(email) = %s",  # noqa: S608 (a shape of the tests)
        emails[0],
    )
    assert statuses(responses) == [HTTPStatus.ACCEPTED] * 2
    assert len({response.content for response in responses}) == 1
    assert held == [(emails[0],)]
    for email in emails:
        assert log_in(email_site, email, PASSWORD).ok


def test_parallel_change_requests_leave_one_claim(live_site):
    person = register_person(live_site)
    sessions = [live_site.log_in(person) for _ in range(ATTEMPTS)]
    wanted = [new_user().phone for _ in sessions]

    responses = at_once(
        [
            partial(
                live_site.post,
                "/email/change-request",
                {"new_phone": phone, "password": PASSWORD},
                session=session,
            )
            for session, phone in zip(sessions, wanted, strict=True)
        ]
    )

    assert statuses(responses) == [HTTPStatus.OK] * len(sessions)
    assert sum(len(live_site.claimants(phone)) for phone in wanted) == 1
    assert live_site.holders(person.phone) == [person.username]


def test_parallel_password_changes_accept_one(live_site):
    person = register_person(live_site)
    sessions = [live_site.log_in(person) for _ in range(2)]

    responses = at_once(
        [
            partial(
                live_site.post,
                "/change-password",
                {"current_password": PASSWORD, "new_password": new_password(number)},
                session=session,
            )
            for number, session in enumerate(sessions)
        ]
    )

    assert sum(response.ok for response in responses) == 1
    assert max(statuses(responses)) < HTTPStatus.INTERNAL_SERVER_ERROR
    alive = [live_site.get("/me", session=session).ok for session in sessions]
    assert alive == [response.ok for response in responses]


@pytest.mark.parametrize("_round", range(3))
def test_login_racing_with_reset_leaves_no_session(live_site, _round):
    person = register_person(live_site)
    before = live_site.log_in(person)
    token = reset_token(live_site, person)
    racing = [live_site.browser() for _ in range(ATTEMPTS - 1)]

    responses = at_once(
        [
            partial(reset, live_site, token, 0),
            *(
                partial(log_in, live_site, person.username, PASSWORD, session=session)
                for session in racing
            ),
        ]
    )

    assert responses[0].ok
    assert max(statuses(responses)) < HTTPStatus.INTERNAL_SERVER_ERROR
    for session in [before, *racing]:
        me = live_site.get("/me", session=session)
        assert me.status_code == HTTPStatus.UNAUTHORIZED
