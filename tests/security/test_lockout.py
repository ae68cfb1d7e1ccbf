"""The escalating lockout: what counts, what locks, what lifts."""

from __future__ import annotations

import logging
from datetime import timedelta
from http import HTTPStatus

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.contrib.auth import aauthenticate, authenticate
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.test import Client as Browser
from django.test import RequestFactory

from crudauth_django.client import Client
from crudauth_django.exceptions import InvalidCredentials, LockedOut
from crudauth_django.flows import recovery
from crudauth_django.models import Counter
from crudauth_django.security import lockout
from crudauth_django.security.credentials import reauthenticate, verify_credentials
from crudauth_django.security.redemption import RESET
from crudauth_django.security.tokens import make_token
from crudauth_django.signals import user_locked_out
from crudauth_django.users import user_model
from tests.support.client import NEW_PASSWORD, PASSWORD
from tests.support.temporary import installed

pytestmark = pytest.mark.django_db

NOW = 1_700_000_000
HERE = Client(address="192.0.2.1")


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def attempt(identifier="ada", password="wrong", client=HERE):
    return verify_credentials(identifier=identifier, password=password, client=client)


def fail(times=1, **how):
    for _ in range(times):
        with pytest.raises(InvalidCredentials):
            attempt(**how)


def locked_for(**how) -> int:
    with pytest.raises(LockedOut) as caught:
        attempt(**how)
    return caught.value.retry_after


def from_elsewhere(number: int) -> Client:
    return Client(address=f"198.51.100.{number}")


def test_five_failures_lock_an_account(ada, clock):
    fail(5)

    assert locked_for() == 61


def test_four_failures_do_not(ada, clock):
    fail(4)

    assert attempt(password=PASSWORD) == ada


def test_a_right_password_during_a_lock_is_refused_like_a_wrong_one(ada, clock):
    fail(5)

    assert locked_for(password=PASSWORD) == locked_for(password="wrong")


def test_a_lock_ends(ada, clock):
    fail(5)

    clock.shift(61)

    assert attempt(password=PASSWORD) == ada


def test_a_lock_is_counted_down(ada, clock):
    fail(5)

    clock.shift(50)

    assert locked_for() == 11


def test_each_lock_is_twice_the_one_before_up_to_an_hour(ada, clock):
    waits = []
    for number in range(8):
        fail(5, client=from_elsewhere(number))
        waits.append(locked_for(client=from_elsewhere(number)) - 1)
        clock.shift(waits[-1] + 1)

    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_the_number_of_locks_is_remembered_for_a_day(ada, clock):
    fail(5)
    clock.shift(24 * 3600 - 1)
    fail(5)
    assert locked_for() == 121

    clock.shift(24 * 3600)
    fail(5)

    assert locked_for() == 61


def test_a_failure_counts_for_fifteen_minutes(ada, clock):
    fail(4)

    clock.shift(15 * 60)
    fail(4)

    assert attempt(password=PASSWORD) == ada


def test_success_clears_the_accounts_own_pressure(ada, clock):
    fail(4)
    attempt(password=PASSWORD)
    fail(4)

    assert attempt(password=PASSWORD) == ada


def test_unknown_identifiers_lock_like_known_ones(ada, clock):
    fail(5, identifier="nobody")
    fail(5, identifier="ada")

    assert locked_for(identifier="nobody") == locked_for(identifier="ada")


def test_case_and_spelling_do_not_multiply_tries(ada, clock):
    for spelling in ("ada", "ADA", " ada ", "\uff41da", "Ada"):
        fail(identifier=spelling)

    assert locked_for(identifier="aDa")


def test_case_and_spelling_of_what_is_no_identifier_do_not_either(clock):
    for spelling in ("no one!", "NO ONE!", " no one! ", "\uff4eo one!", "No One!"):
        fail(identifier=spelling)

    assert locked_for(identifier="nO oNE!")


def test_another_account_is_not_locked(ada, clock):
    bob = user_model().objects.create_user(username="bob", password=PASSWORD)
    fail(5)

    assert attempt(identifier="bob", password=PASSWORD) == bob


def test_a_closed_account_locks_and_answers_like_any_other(ada, clock):
    user_model().objects.update(is_active=False)

    fail(4, password="wrong")
    fail(1, password=PASSWORD)

    assert locked_for() == 61


def test_fifty_failures_lock_a_network(ada, clock):
    for number in range(50):
        fail(identifier=f"name{number}")

    assert locked_for(identifier="ada", password=PASSWORD) == 61
    assert attempt(password=PASSWORD, client=from_elsewhere(1)) == ada


def test_an_ipv6_network_is_a_64(ada, clock, settings):
    settings.CRUDAUTH_LOCKOUT = {"NETWORK_ATTEMPTS": 2}
    fail(identifier="one", client=Client(address="2001:db8::1"))
    fail(identifier="two", client=Client(address="2001:db8::2"))

    assert locked_for(client=Client(address="2001:db8::ffff:3"))
    assert attempt(password=PASSWORD, client=Client(address="2001:db8:0:1::1")) == ada


def test_success_gives_the_network_back_its_own_attempt_alone(ada, clock, settings):
    settings.CRUDAUTH_LOCKOUT = {"NETWORK_ATTEMPTS": 3}
    fail(identifier="one")
    fail(identifier="two")
    for _ in range(5):
        attempt(password=PASSWORD)

    fail(identifier="three")

    assert locked_for(password=PASSWORD)


def test_every_door_draws_on_one_budget(ada, clock):
    fail(2)
    for _ in range(2):
        with pytest.raises(InvalidCredentials):
            reauthenticate(user=ada, password="wrong", client=HERE)
    request = RequestFactory().post("/", REMOTE_ADDR="192.0.2.1")
    assert authenticate(request, username="ada", password="wrong") is None

    assert locked_for()
    with pytest.raises(LockedOut):
        reauthenticate(user=ada, password=PASSWORD, client=HERE)


def test_authenticate_raises_nothing_but_is_locked(ada, clock):
    request = RequestFactory().post("/")
    answers = [
        authenticate(request, username="ada", password="wrong") for _ in range(7)
    ]

    assert answers == [None] * 7
    assert authenticate(request, username="ada", password=PASSWORD) is None
    clock.shift(61)
    assert authenticate(request, username="ada", password=PASSWORD) == ada


def test_authenticate_needs_a_name_and_a_password(ada):
    assert authenticate(None, username="ada") is None
    assert authenticate(None, password=PASSWORD) is None
    assert authenticate(None, username="ada", password=None) is None
    assert authenticate(None, username="ada", password=PASSWORD) == ada
    assert Counter.objects.count() == 0 or set(
        Counter.objects.values_list("value", flat=True)
    ) == {0}


def test_a_lock_keeps_every_backend_further_down_from_comparing(ada, clock, settings):
    settings.AUTHENTICATION_BACKENDS = [
        "crudauth_django.backends.IdentifierBackend",
        "django.contrib.auth.backends.ModelBackend",
    ]
    fail(5)

    assert authenticate(None, username="ada", password=PASSWORD) is None


def test_the_admin_shares_the_lock(ada, clock):
    user_model().objects.update(is_staff=True, is_superuser=True)
    browser = Browser()
    form = {"username": "ada", "next": "/admin/"}
    for _ in range(5):
        browser.post("/admin/login/", {**form, "password": "wrong"})

    refused = browser.post("/admin/login/", {**form, "password": PASSWORD})
    clock.shift(61)
    accepted = browser.post("/admin/login/", {**form, "password": PASSWORD})

    assert refused.status_code == HTTPStatus.OK
    assert refused.wsgi_request.user == AnonymousUser()
    assert accepted.status_code == HTTPStatus.FOUND
    assert accepted["Location"] == "/admin/"


def test_a_completed_reset_lifts_the_lock(ada, clock):
    fail(5)

    recovery.confirm_reset(
        token=make_token(RESET.purpose, ada), new_password=NEW_PASSWORD
    )

    assert attempt(password=NEW_PASSWORD) == ada
    fail(5)
    assert locked_for() == 61


def test_a_refused_reset_lifts_nothing(ada, clock):
    fail(5)

    with pytest.raises(ValidationError):
        recovery.confirm_reset(
            token=make_token(RESET.purpose, ada), new_password="short"
        )

    assert locked_for()


def test_a_lock_can_be_lifted_by_hand(ada, clock, settings):
    settings.CRUDAUTH_LOCKOUT = {"NETWORK_ATTEMPTS": 5}
    fail(5)
    lockout.unlock(ada)
    assert locked_for()

    lockout.unlock_network("192.0.2.1")

    assert attempt(password=PASSWORD) == ada


def test_attempts_that_were_let_in_before_a_lock_do_not_press_on_the_next(ada, clock):
    admissions = [
        lockout.begin_attempt(identifiers=["ada"], user=ada, client=HERE)
        for _ in range(5)
    ]
    with pytest.raises(LockedOut):
        lockout.begin_attempt(identifiers=["ada"], user=ada, client=HERE)

    for admission in admissions:
        admission.failed()

    assert locked_for() == 61
    clock.shift(61)
    fail(4)
    assert attempt(password=PASSWORD) == ada


def test_parallel_attempts_beyond_the_limit_are_refused_before_comparing(ada, clock):
    for _ in range(5):
        lockout.begin_attempt(identifiers=["ada"], user=ada, client=HERE)

    assert locked_for(password=PASSWORD) == 60


def test_the_lockout_can_be_configured(ada, clock, settings):
    settings.CRUDAUTH_LOCKOUT = {
        "ATTEMPTS": 2,
        "BASE": timedelta(seconds=10),
        "MAX": timedelta(seconds=15),
        "WINDOW": timedelta(seconds=30),
        "MEMORY": timedelta(seconds=100),
    }
    fail(2)
    assert locked_for() == 11
    clock.shift(11)
    fail(2)
    assert locked_for() == 16
    clock.shift(100)
    fail(1)
    clock.shift(30)
    fail(1)

    assert attempt(password=PASSWORD) == ada


def test_the_lockout_can_be_switched_off(ada, settings):
    settings.CRUDAUTH_LOCKOUT = None
    fail(60)
    lockout.unlock(ada)
    lockout.unlock_network("192.0.2.1")

    assert attempt(password=PASSWORD) == ada
    assert not Counter.objects.exists()


def test_a_lockout_switched_off_meanwhile_locks_nothing(ada, settings):
    admission = lockout.begin_attempt(identifiers=["ada"], user=ada, client=HERE)
    admission.counts = dict.fromkeys(admission.counts, 99)

    settings.CRUDAUTH_LOCKOUT = None
    admission.failed()

    settings.CRUDAUTH_LOCKOUT = {}
    assert attempt(password=PASSWORD) == ada


def test_a_lock_is_logged_and_announced_without_saying_whose(ada, clock, caplog):
    caplog.set_level(logging.DEBUG)
    heard = []

    def listen(**values):
        heard.append(values)

    user_locked_out.connect(listen)
    try:
        fail(5)
    finally:
        user_locked_out.disconnect(listen)

    (values,) = heard
    assert values["scope"] == "account"
    assert values["retry_after"] == 60
    assert values["client"] == HERE
    assert values["sender"] is user_model()
    assert "ada" not in str({**values, "signal": None, "sender": None})
    (record,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert record.getMessage() == "Locked one account for 60 s."
    assert "ada" not in caplog.text


def test_no_counter_says_whom_it_counts(ada):
    fail()

    keys = " ".join(Counter.objects.values_list("key", flat=True))
    assert "ada" not in keys
    assert "192.0.2.1" not in keys


@pytest.mark.django_db(transaction=True)
def test_two_identifiers_of_one_account_draw_on_one_silent_budget(clock):
    with installed(LOGIN_IDENTIFIERS=("username", "email"), RECOVERY_FACTOR=None):
        bob = user_model().objects.create_user(
            username="bob", email="bob@example.com", password=PASSWORD
        )
        fail(3, identifier="bob")
        fail(2, identifier="bob@example.com")

        # A right password fails like a wrong one, and no answer says why.
        fail(1, identifier="bob", password=PASSWORD)
        clock.shift(61)
        assert attempt(identifier="bob", password=PASSWORD) == bob
        assert attempt(identifier="bob@example.com", password=PASSWORD) == bob


@pytest.mark.django_db(transaction=True)
def test_parallel_attempts_by_two_identifiers_share_the_silent_budget(clock):
    with installed(LOGIN_IDENTIFIERS=("username", "email"), RECOVERY_FACTOR=None):
        bob = user_model().objects.create_user(
            username="bob", email="bob@example.com", password=PASSWORD
        )
        for name in ("bob", "bob", "bob", "bob@example.com", "bob@example.com"):
            lockout.begin_attempt(identifiers=[name], user=bob, client=HERE)

        admission = lockout.begin_attempt(identifiers=["bob"], user=bob, client=HERE)

        assert admission.account_locked


@pytest.mark.django_db(transaction=True)
def test_success_by_one_identifier_clears_the_others(clock):
    with installed(LOGIN_IDENTIFIERS=("username", "email"), RECOVERY_FACTOR=None):
        bob = user_model().objects.create_user(
            username="bob", email="bob@example.com", password=PASSWORD
        )
        fail(4, identifier="bob")
        attempt(identifier="BOB@example.com", password=PASSWORD)
        fail(4, identifier="bob")

        assert attempt(identifier="bob", password=PASSWORD) == bob


def test_an_unverified_account_may_be_refused_like_a_wrong_password(ada, settings):
    settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = True
    fail(1, password=PASSWORD)

    user_model().objects.update(phone_verified=True)

    assert attempt(password=PASSWORD) == ada


def test_what_no_registration_makes_need_not_be_verified(api, db, settings):
    settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = True
    users = user_model().objects
    users.create_superuser(username="root", phone="+12125552368", password=PASSWORD)
    users.create_user(username="clerk", password=PASSWORD)

    for name in ("root", "clerk"):
        body = {"username": name, "password": PASSWORD}
        assert api.post("/login", body, format="json").status_code == HTTPStatus.OK


def test_somebody_signed_in_confirms_the_password_unverified(api, ada, settings):
    body = {"username": "ada", "password": PASSWORD}
    token = api.post("/login", body, format="json").json()["csrf_token"]
    settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = True

    changed = api.post(
        "/change-password",
        {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
        format="json",
        headers={"X-CSRFToken": token},
    )

    assert changed.status_code == HTTPStatus.OK


def test_the_async_door_is_the_same_door(ada):
    ask = async_to_sync(aauthenticate)
    for _try in range(5):
        ask(username="ada", password="a wrong one")

    assert ask(username="ada", password=PASSWORD) is None


def test_the_async_door_opens_for_the_right_password(ada):
    assert async_to_sync(aauthenticate)(username="ada", password=PASSWORD) == ada
