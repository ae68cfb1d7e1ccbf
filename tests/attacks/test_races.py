"""Requests that really run at the same moment, against real servers."""

from __future__ import annotations

from collections import Counter
from functools import partial
from http import HTTPStatus
from typing import Any

import pytest

from tests.support.client import PASSWORD
from tests.support.site import Person, Site, network, site, somebody, statuses
from tests.support.waiting import at_once

#: How many requests race.
CROWD = 20
#: The lockout's limit (``CRUDAUTH_LOCKOUT``).
ATTEMPTS = 5
#: What a network may fail here before it is locked; 50 by default.
NETWORK_ATTEMPTS = 12
ONE_WINNER = [HTTPStatus.OK] + [HTTPStatus.BAD_REQUEST] * (CROWD - 1)
PLACES = [
    ("gunicorn-sync", "sqlite"),
    ("gunicorn-sync", "postgresql"),
    ("gunicorn-threads", "sqlite"),
    ("gunicorn-threads", "postgresql"),
]


@pytest.fixture(scope="module", params=PLACES, ids="-".join)
def place(request, databases, tmp_path_factory):
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
def email_place(request, shape, databases, tmp_path_factory):
    """A site where one logs in by email."""
    with site(
        "gunicorn-threads",
        database=databases.fresh(request.param, shape),
        folder=tmp_path_factory.mktemp(shape),
        shape=shape,
    ) as running:
        yield running


@pytest.fixture(scope="module")
def valkey_place(valkey_url, databases, tmp_path_factory):
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


def register_somebody(place: Site) -> Person:
    person = somebody()
    place.register(person)
    return person


def reset_token(place: Site, person: Person) -> str:
    place.post("/password/reset-request", {"phone": person.phone})
    return place.token("reset_password", person.phone)


def new_password(number: int) -> str:
    return f"a whole new staple {number}"


def reset(place: Site, token: str, number: int) -> Any:
    body = {"token": token, "new_password": new_password(number)}
    return place.post("/password/reset-confirm", body)


def log_in(place: Site, username: str, password: str, **options: Any) -> Any:
    body = {"username": username, "password": password}
    return place.post("/login", body, **options)


def test_one_of_twenty_parallel_verifications_wins(place):
    person = register_somebody(place)
    token = place.token("verify_recovery", person.phone)
    confirm = partial(place.post, "/email/verify-confirm", {"token": token})

    answers = at_once([confirm] * CROWD)

    assert statuses(answers) == ONE_WINNER
    assert place.holders(person.phone) == [person.username]


def test_one_of_twenty_parallel_resets_wins_and_its_password_holds(place):
    person = register_somebody(place)
    token = reset_token(place, person)

    answers = at_once([partial(reset, place, token, n) for n in range(CROWD)])

    assert statuses(answers) == ONE_WINNER
    (winner,) = (n for n, answer in enumerate(answers) if answer.ok)
    loser = (winner + 1) % CROWD
    assert log_in(place, person.username, new_password(winner)).ok
    refused = log_in(place, person.username, new_password(loser))
    assert refused.status_code == HTTPStatus.UNAUTHORIZED


def test_of_two_reset_tokens_raced_against_each_other_one_wins(place):
    person = register_somebody(place)
    first = reset_token(place, person)
    place.post("/password/reset-request", {"phone": person.phone})
    tokens = [first, place.token("reset_password", person.phone)]

    answers = at_once([partial(reset, place, tokens[n % 2], n) for n in range(CROWD)])

    assert statuses(answers) == ONE_WINNER


def test_one_of_twenty_parallel_changes_wins(place):
    person, new = register_somebody(place), somebody().phone
    session = place.log_in(person)
    asked = place.post(
        "/email/change-request",
        {"new_phone": new, "password": PASSWORD},
        session=session,
    )
    token = place.token("change_recovery", new)
    confirm = partial(place.post, "/email/change-confirm", {"token": token})

    answers = at_once([confirm] * CROWD)

    assert asked.ok
    assert statuses(answers) == ONE_WINNER
    assert place.holders(new) == [person.username]
    assert place.holders(person.phone) == []


def test_two_accounts_that_prove_one_number_at_once_leave_one_holder(place):
    one, other = somebody(), somebody()
    rival = Person(username=other.username, phone=one.spelled_otherwise)
    place.register(one)
    first = place.token("verify_recovery", one.phone)
    place.register(rival)
    place.post("/email/verify-request", {"phone": one.phone})
    tokens = {first}
    while len(tokens) < 2:
        tokens.add(place.token("verify_recovery", one.phone))

    answers = at_once(
        [
            partial(place.post, "/email/verify-confirm", {"token": token})
            for token in tokens
        ]
        * (CROWD // 2)
    )

    counted = Counter(statuses(answers))
    assert set(counted) <= {HTTPStatus.OK, HTTPStatus.BAD_REQUEST}
    assert counted[HTTPStatus.OK] == 1
    assert len(place.holders(one.phone)) == 1


def guess_at_once(place: Site) -> None:
    person = register_somebody(place)
    guess = partial(log_in, place, person.username, "a wrong one")

    answers = at_once([guess] * CROWD)

    counted = Counter(statuses(answers))
    assert set(counted) == {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS}
    assert counted[HTTPStatus.UNAUTHORIZED] <= ATTEMPTS
    right = log_in(place, person.username, PASSWORD)
    assert right.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert int(right.headers["Retry-After"]) > 0


@pytest.mark.parametrize("_round", range(3))
def test_two_accounts_that_take_each_others_number_at_once_do_no_harm(place, _round):
    people = [register_somebody(place) for _ in range(2)]
    tokens = []
    for person, other in (people, people[::-1]):
        place.post(
            "/email/change-request",
            {"new_phone": other.phone, "password": PASSWORD},
            session=place.log_in(person),
        )
        tokens.append(place.token("change_recovery", other.phone))

    answers = at_once(
        [
            partial(place.post, "/email/change-confirm", {"token": token})
            for token in tokens
        ]
    )

    assert set(statuses(answers)) <= {HTTPStatus.OK, HTTPStatus.BAD_REQUEST}
    assert any(answer.ok for answer in answers)
    for person in people:
        assert len(place.holders(person.phone)) <= 1


def test_parallel_guesses_share_one_budget(place):
    guess_at_once(place)


def test_parallel_guesses_share_one_budget_in_valkey(valkey_place):
    guess_at_once(valkey_place)


def test_parallel_guesses_of_one_network_share_one_budget(place):
    address = network()
    guesses = [
        partial(log_in, place, f"nobody{n}", "a wrong one", address=address)
        for n in range(CROWD)
    ]

    answers = at_once(guesses)

    counted = Counter(statuses(answers))
    assert counted == {
        HTTPStatus.UNAUTHORIZED: NETWORK_ATTEMPTS,
        HTTPStatus.TOO_MANY_REQUESTS: CROWD - NETWORK_ATTEMPTS,
    }


def test_parallel_registrations_of_one_username_give_one_account(place):
    username = somebody().username
    people = [Person(username=username, phone=somebody().phone) for _ in range(CROWD)]

    answers = at_once([partial(place.post, "/register", p.body) for p in people])

    counted = Counter(statuses(answers))
    assert counted == {HTTPStatus.ACCEPTED: 1, HTTPStatus.BAD_REQUEST: CROWD - 1}
    refused = next(answer for answer in answers if not answer.ok)
    assert set(refused.json()) == {"username"}
    found = place.rows("SELECT id FROM phone_user WHERE username = %s", username)
    assert len(found) == 1


def test_parallel_registrations_of_one_number_in_two_spellings_give_one_holder(place):
    wanted = somebody()
    spellings = [wanted.phone, wanted.spelled_otherwise]
    people = [
        Person(username=somebody().username, phone=spellings[n % 2])
        for n in range(CROWD)
    ]

    answers = at_once([partial(place.post, "/register", p.body) for p in people])

    assert statuses(answers) == [HTTPStatus.ACCEPTED] * CROWD
    assert len({answer.content for answer in answers}) == 1
    assert len(place.holders(wanted.phone)) == 1
    assert len(place.claimants(wanted.phone)) == CROWD - 1


def test_the_same_registration_sent_twenty_times_gives_one_account(place):
    person = somebody()
    register = partial(place.post, "/register", person.body)

    answers = at_once([register] * CROWD)

    counted = Counter(statuses(answers))
    assert counted == {HTTPStatus.ACCEPTED: 1, HTTPStatus.BAD_REQUEST: CROWD - 1}
    assert place.holders(person.phone) == [person.username]


def body_in(shape: str, email: str) -> dict[str, str]:
    body = {"email": email, "password": PASSWORD}
    names = {"username": somebody().username} if shape == "email_username" else {}
    return body | names


@pytest.mark.parametrize("_round", range(3))
def test_an_email_registered_in_two_cases_at_once_is_one_account(
    email_place, shape, _round
):
    name = somebody().username
    emails = [f"{name}@example.com", f"{name.upper()}@EXAMPLE.com"]
    bodies = [body_in(shape, email) for email in emails]

    answers = at_once([partial(email_place.post, "/register", b) for b in bodies])

    held = email_place.rows(
        f"SELECT email FROM {shape}_user WHERE lower(email) = %s",  # noqa: S608
        emails[0],
    )
    assert statuses(answers) == [HTTPStatus.ACCEPTED] * 2
    assert len({answer.content for answer in answers}) == 1
    assert held == [(emails[0],)]
    for email in emails:
        assert log_in(email_place, email, PASSWORD).ok


def test_parallel_change_requests_leave_one_claim_and_no_error(place):
    person = register_somebody(place)
    sessions = [place.log_in(person) for _ in range(ATTEMPTS)]
    wanted = [somebody().phone for _ in sessions]

    answers = at_once(
        [
            partial(
                place.post,
                "/email/change-request",
                {"new_phone": phone, "password": PASSWORD},
                session=session,
            )
            for session, phone in zip(sessions, wanted, strict=True)
        ]
    )

    assert statuses(answers) == [HTTPStatus.OK] * len(sessions)
    assert sum(len(place.claimants(phone)) for phone in wanted) == 1
    assert place.holders(person.phone) == [person.username]


def test_one_of_two_parallel_password_changes_wins(place):
    person = register_somebody(place)
    sessions = [place.log_in(person) for _ in range(2)]

    answers = at_once(
        [
            partial(
                place.post,
                "/change-password",
                {"current_password": PASSWORD, "new_password": new_password(number)},
                session=session,
            )
            for number, session in enumerate(sessions)
        ]
    )

    assert sum(answer.ok for answer in answers) == 1
    assert max(statuses(answers)) < HTTPStatus.INTERNAL_SERVER_ERROR
    alive = [place.get("/me", session=session).ok for session in sessions]
    assert alive == [answer.ok for answer in answers]


@pytest.mark.parametrize("_round", range(3))
def test_no_session_of_the_old_password_survives_a_reset(place, _round):
    person = register_somebody(place)
    before = place.log_in(person)
    token = reset_token(place, person)
    racing = [place.browser() for _ in range(ATTEMPTS - 1)]

    answers = at_once(
        [
            partial(reset, place, token, 0),
            *(
                partial(log_in, place, person.username, PASSWORD, session=session)
                for session in racing
            ),
        ]
    )

    assert answers[0].ok
    assert max(statuses(answers)) < HTTPStatus.INTERNAL_SERVER_ERROR
    for session in [before, *racing]:
        me = place.get("/me", session=session)
        assert me.status_code == HTTPStatus.UNAUTHORIZED
