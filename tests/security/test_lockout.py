"""The escalating lockout: failures, locks, and the ways to end a lock."""

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
from django.http import HttpResponse
from django.test import Client as Browser
from django.test import RequestFactory

from crudauth_django.client import DEVICE_COOKIE, Client
from crudauth_django.exceptions import InvalidCredentials, LockedOut
from crudauth_django.flows import recovery
from crudauth_django.models import Counter
from crudauth_django.security import lockout
from crudauth_django.security.credentials import reauthenticate, verify_credentials
from crudauth_django.security.devices import remember_device
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


def fail(times=1, **options):
    for _ in range(times):
        with pytest.raises(InvalidCredentials):
            attempt(**options)


def locked_for(**options) -> int:
    """Return the seconds that a refused attempt is told to wait."""
    with pytest.raises(LockedOut) as caught:
        attempt(**options)
    return caught.value.retry_after


def other_network(number: int) -> Client:
    return Client(address=f"198.51.100.{number}")


def test_five_failures_lock_the_account(ada, clock):
    fail(5)

    assert locked_for() == 61


def test_four_failures_do_not_lock(ada, clock):
    fail(4)

    assert attempt(password=PASSWORD) == ada


def test_lock_refuses_right_and_wrong_password_the_same(ada, clock):
    fail(5)

    assert locked_for(password=PASSWORD) == locked_for(password="wrong")


def test_lock_ends_after_sixty_seconds(ada, clock):
    fail(5)

    clock.shift(61)

    assert attempt(password=PASSWORD) == ada


def test_lock_retry_after_counts_down(ada, clock):
    fail(5)

    clock.shift(50)

    assert locked_for() == 11


def test_locks_double_up_to_an_hour(ada, clock):
    waits = []
    for _ in range(8):
        fail(5)
        waits.append(locked_for() - 1)
        clock.shift(waits[-1] + 1)

    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_number_of_locks_is_remembered_for_a_day(ada, clock):
    fail(5)
    clock.shift(24 * 3600 - 1)
    fail(5)
    assert locked_for() == 121

    clock.shift(24 * 3600)
    fail(5)

    assert locked_for() == 61


def test_failure_counts_for_fifteen_minutes(ada, clock):
    fail(4)

    clock.shift(15 * 60)
    fail(4)

    assert attempt(password=PASSWORD) == ada


def test_success_clears_failures_of_the_account(ada, clock):
    fail(4)
    attempt(password=PASSWORD)
    fail(4)

    assert attempt(password=PASSWORD) == ada


def test_unknown_identifier_locks_like_a_known_one(ada, clock):
    fail(5, identifier="unknown")
    fail(5, identifier="ada")

    assert locked_for(identifier="unknown") == locked_for(identifier="ada")


def test_forms_of_one_identifier_share_one_count(ada, clock):
    for text in ("ada", "ADA", " ada ", "\uff41da", "Ada"):
        fail(identifier=text)

    assert locked_for(identifier="aDa")


def test_forms_of_one_malformed_identifier_share_one_count(clock):
    for text in ("no one!", "NO ONE!", " no one! ", "\uff4eo one!", "No One!"):
        fail(identifier=text)

    assert locked_for(identifier="nO oNE!")


def test_lock_leaves_other_accounts_open(ada, clock):
    bob = user_model().objects.create_user(username="bob", password=PASSWORD)
    fail(5)

    assert attempt(identifier="bob", password=PASSWORD) == bob


def test_inactive_account_locks_like_an_active_one(ada, clock):
    user_model().objects.update(is_active=False)

    fail(4, password="wrong")
    fail(1, password=PASSWORD)

    assert locked_for() == 61


def test_fifty_failures_lock_the_network(ada, clock):
    for number in range(50):
        fail(identifier=f"name{number}")

    assert locked_for(identifier="ada", password=PASSWORD) == 61
    assert attempt(password=PASSWORD, client=other_network(1)) == ada


def test_network_lock_covers_an_ipv6_64(ada, clock, settings):
    settings.CRUDAUTH_LOCKOUT = {"NETWORK_ATTEMPTS": 2}
    fail(identifier="one", client=Client(address="2001:db8::1"))
    fail(identifier="two", client=Client(address="2001:db8::2"))

    assert locked_for(client=Client(address="2001:db8::ffff:3"))
    assert attempt(password=PASSWORD, client=Client(address="2001:db8:0:1::1")) == ada


def test_success_takes_back_one_attempt_of_the_network(ada, clock, settings):
    settings.CRUDAUTH_LOCKOUT = {"NETWORK_ATTEMPTS": 3}
    fail(identifier="one")
    fail(identifier="two")
    for _ in range(5):
        attempt(password=PASSWORD)

    fail(identifier="three")

    assert locked_for(password=PASSWORD)


def test_login_reauthentication_and_backend_share_one_count(ada, clock):
    fail(2)
    for _ in range(2):
        with pytest.raises(InvalidCredentials):
            reauthenticate(user=ada, password="wrong", client=HERE)
    request = RequestFactory().post("/", REMOTE_ADDR="192.0.2.1")
    assert authenticate(request, username="ada", password="wrong") is None

    assert locked_for()
    with pytest.raises(LockedOut):
        reauthenticate(user=ada, password=PASSWORD, client=HERE)


def test_authenticate_returns_none_while_locked(ada, clock):
    request = RequestFactory().post("/")
    users = [authenticate(request, username="ada", password="wrong") for _ in range(7)]

    assert users == [None] * 7
    assert authenticate(request, username="ada", password=PASSWORD) is None
    clock.shift(61)
    assert authenticate(request, username="ada", password=PASSWORD) == ada


def test_authenticate_without_name_or_password_counts_nothing(ada):
    assert authenticate(None, username="ada") is None
    assert authenticate(None, password=PASSWORD) is None
    assert authenticate(None, username="ada", password=None) is None
    assert authenticate(None, username="ada", password=PASSWORD) == ada
    assert Counter.objects.count() == 0 or set(
        Counter.objects.values_list("value", flat=True)
    ) == {0}


def test_lock_stops_the_backends_that_follow(ada, clock, settings):
    settings.AUTHENTICATION_BACKENDS = [
        "crudauth_django.backends.IdentifierBackend",
        "django.contrib.auth.backends.ModelBackend",
    ]
    fail(5)

    assert authenticate(None, username="ada", password=PASSWORD) is None


def test_admin_login_shares_the_lock(ada, clock):
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


def test_reset_unlocks_the_account(ada, clock):
    fail(5)

    recovery.confirm_reset(
        token=make_token(RESET.purpose, ada), new_password=NEW_PASSWORD, client=HERE
    )

    assert attempt(password=NEW_PASSWORD) == ada
    fail(5)
    assert locked_for() == 61


def test_reset_refused_leaves_the_lock(ada, clock):
    fail(5)

    with pytest.raises(ValidationError):
        recovery.confirm_reset(
            token=make_token(RESET.purpose, ada), new_password="short"
        )

    assert locked_for()


def test_unlock_and_unlock_network_end_locks(ada, clock, settings):
    settings.CRUDAUTH_LOCKOUT = {"NETWORK_ATTEMPTS": 5}
    fail(5)
    lockout.unlock(ada)
    assert locked_for()

    lockout.unlock_network("192.0.2.1")

    assert attempt(password=PASSWORD) == ada


def test_attempts_from_before_a_lock_do_not_count_for_the_next(ada, clock):
    attempts = [
        lockout.begin_attempt(identifiers=["ada"], user=ada, client=HERE)
        for _ in range(5)
    ]
    with pytest.raises(LockedOut):
        lockout.begin_attempt(identifiers=["ada"], user=ada, client=HERE)

    for login_attempt in attempts:
        login_attempt.failed()

    assert locked_for() == 61
    clock.shift(61)
    fail(4)
    assert attempt(password=PASSWORD) == ada


def test_attempts_over_the_limit_are_refused_uncompared(ada, clock):
    for _ in range(5):
        lockout.begin_attempt(identifiers=["ada"], user=ada, client=HERE)

    assert locked_for(password=PASSWORD) == 60


def test_lockout_reads_each_option(ada, clock, settings):
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


def test_lockout_of_none_is_off(ada, settings):
    settings.CRUDAUTH_LOCKOUT = None
    fail(60)
    lockout.unlock(ada)
    lockout.unlock_network("192.0.2.1")

    assert attempt(password=PASSWORD) == ada
    assert not Counter.objects.exists()


def test_lockout_switched_off_during_attempt_locks_nothing(ada, settings):
    login_attempt = lockout.begin_attempt(identifiers=["ada"], user=ada, client=HERE)
    login_attempt.counts = dict.fromkeys(login_attempt.counts, 99)

    settings.CRUDAUTH_LOCKOUT = None
    login_attempt.failed()

    settings.CRUDAUTH_LOCKOUT = {}
    assert attempt(password=PASSWORD) == ada


def test_lock_is_logged_and_sent_without_identifier(ada, clock, caplog):
    caplog.set_level(logging.DEBUG)
    received = []

    def listen(**values):
        received.append(values)

    user_locked_out.connect(listen)
    try:
        fail(5)
    finally:
        user_locked_out.disconnect(listen)

    (values,) = received
    assert values["scope"] == "account"
    assert values["retry_after"] == 60
    assert values["client"] == HERE
    assert values["sender"] is user_model()
    assert "ada" not in str({**values, "signal": None, "sender": None})
    (record,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert record.getMessage() == "Locked one account for 60 s."
    assert "ada" not in caplog.text


def test_silent_locks_are_logged_and_the_lasting_lock_once(
    ada, clock, settings, caplog
):
    settings.CRUDAUTH_LOCKOUT = {"LONG_ATTEMPTS": 7}
    for number in range(13):
        fail(client=other_network(number))
    clock.shift(121)
    for number in range(3):
        fail(client=other_network(number))

    logged = [record.getMessage() for record in caplog.records]
    assert logged == [
        "Locked one account for 60 s.",
        "Locked one account for 120 s.",
        "Locked one account for 2592000 s.",
    ]


def device(user) -> Client:
    """Return a client that has signed in to this account before."""
    response = HttpResponse()
    remember_device(response, user)
    cookie = response.cookies[DEVICE_COOKIE].value
    return Client(address="192.0.2.1", device=cookie)


def test_devices_of_one_account_have_a_budget_each(ada, clock):
    first, second = device(ada), device(ada)
    fail(5, client=first)

    assert locked_for(client=first)
    assert attempt(password=PASSWORD, client=second) == ada


def test_unlock_ends_the_lock_of_a_device(ada, clock):
    client = device(ada)
    fail(5, client=client)

    lockout.unlock(ada)

    assert attempt(password=PASSWORD, client=client) == ada


def test_success_clears_failures_of_the_device(ada, clock):
    client = device(ada)
    for _ in range(2):
        fail(4, client=client)
        reauthenticate(user=ada, password=PASSWORD, client=client)


def test_counter_keys_hide_identifier_and_address(ada):
    fail()

    keys = " ".join(Counter.objects.values_list("key", flat=True))
    assert "ada" not in keys
    assert "192.0.2.1" not in keys


@pytest.mark.django_db(transaction=True)
def test_identifiers_of_one_account_share_the_silent_count(clock):
    with installed(LOGIN_IDENTIFIERS=("username", "email"), RECOVERY_FACTOR=None):
        bob = user_model().objects.create_user(
            username="bob", email="bob@example.com", password=PASSWORD
        )
        fail(3, identifier="bob")
        fail(2, identifier="bob@example.com")

        # The account's lock is silent: a right password fails like a wrong one.
        fail(1, identifier="bob", password=PASSWORD)
        clock.shift(61)
        assert attempt(identifier="bob", password=PASSWORD) == bob
        assert attempt(identifier="bob@example.com", password=PASSWORD) == bob


@pytest.mark.django_db(transaction=True)
def test_parallel_attempts_by_two_identifiers_share_the_count(clock):
    with installed(LOGIN_IDENTIFIERS=("username", "email"), RECOVERY_FACTOR=None):
        bob = user_model().objects.create_user(
            username="bob", email="bob@example.com", password=PASSWORD
        )
        for name in ("bob", "bob", "bob", "bob@example.com", "bob@example.com"):
            lockout.begin_attempt(identifiers=[name], user=bob, client=HERE)

        login_attempt = lockout.begin_attempt(
            identifiers=["bob"], user=bob, client=HERE
        )

        assert login_attempt.account_locked


@pytest.mark.django_db(transaction=True)
def test_success_by_one_identifier_clears_the_other(clock):
    with installed(LOGIN_IDENTIFIERS=("username", "email"), RECOVERY_FACTOR=None):
        bob = user_model().objects.create_user(
            username="bob", email="bob@example.com", password=PASSWORD
        )
        fail(4, identifier="bob")
        attempt(identifier="BOB@example.com", password=PASSWORD)
        fail(4, identifier="bob")

        assert attempt(identifier="bob", password=PASSWORD) == bob


def test_unverified_account_is_refused_if_required(ada, settings):
    settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = True
    fail(1, password=PASSWORD)

    user_model().objects.update(phone_verified=True)

    assert attempt(password=PASSWORD) == ada


def test_async_authenticate_is_locked_out_too(ada):
    log_in = async_to_sync(aauthenticate)
    for _ in range(5):
        log_in(username="ada", password="a wrong one")

    assert log_in(username="ada", password=PASSWORD) is None


def test_async_authenticate_accepts_the_right_password(ada):
    assert async_to_sync(aauthenticate)(username="ada", password=PASSWORD) == ada
