"""Guesses at passwords, and what a lock shows or does to others.

Sources: OWASP Authentication Cheat Sheet (account lockout), OWASP "Slow Down Online
Guessing Attacks with Device Cookies", NIST SP 800-63B 5.2.2 (at most 100 consecutive
failures), CWE-307 (excessive attempts), CWE-645 (overly restrictive lockout),
CWE-203 and CWE-208 (observable discrepancy, also in time).
"""

from __future__ import annotations

import threading
import time
from http import HTTPStatus

import pytest
import time_machine
from django.contrib.auth import authenticate, user_login_failed
from django.contrib.auth.hashers import make_password

from crudauth_django.identity import passwords
from crudauth_django.security.redemption import RESET
from crudauth_django.users import user_model
from tests.support.client import NEW_PASSWORD, PASSWORD, Browser
from tests.support.site import network, new_user, site
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db

HOME = "198.51.100.4"
ATTACKER = "203.0.113.9"
WRONG = "a wrong one"
DAY = 24 * 3600


@pytest.fixture
def clock():
    with time_machine.travel(1_700_000_000, tick=False) as traveller:
        yield traveller


def guess(name, password=WRONG, *, address=ATTACKER, browser=None):
    return (browser or Browser()).log_in(name, password, REMOTE_ADDR=address)


def lock(name, address=ATTACKER):
    """Guess until the network is refused; return the announced wait."""
    responses = [guess(name, address=address) for _ in range(6)]
    assert responses[-1].status_code == HTTPStatus.TOO_MANY_REQUESTS
    return int(responses[-1]["Retry-After"])


def lock_silently(name):
    """Guess from several networks until the account is locked."""
    statuses = {guess(name, address=f"192.0.2.{n}").status_code for n in range(5)}
    assert statuses == {HTTPStatus.UNAUTHORIZED}


@pytest.fixture
def known(ada, clock):
    """A browser that has signed in as ada before, and out again."""
    browser = Browser()
    assert guess("ada", PASSWORD, address=HOME, browser=browser).status_code == 200
    browser.post("/logout")
    return browser


# A lock shows nothing of the owner


def test_lock_of_two_days_is_same_whether_owner_logs_in(ada, clock):
    names = ("ada", "unknown")
    first = {name: lock(name) for name in names}
    clock.shift(20 * 3600)
    assert guess("ada", PASSWORD, address=HOME).status_code == HTTPStatus.OK
    clock.shift(60)

    second = {name: lock(name) for name in names}

    assert set(first.values()) == {61}
    assert set(second.values()) == {121}


def test_sixth_guess_is_refused_whether_owner_logs_in(ada, clock):
    seen = {}
    for name in ("ada", "unknown"):
        codes = [guess(name).status_code for _ in range(4)]
        guess("ada", PASSWORD, address=HOME)
        seen[name] = codes + [guess(name).status_code for _ in range(2)]

    assert seen["ada"] == seen["unknown"]
    assert seen["ada"][-1] == HTTPStatus.TOO_MANY_REQUESTS


def test_lock_of_attacker_outlives_reset_of_owner(ada, clock):
    lock("ada")

    reset = Browser().reset_password(RESET.make_token(ada))

    assert reset.status_code == HTTPStatus.OK
    assert guess("ada").status_code == HTTPStatus.TOO_MANY_REQUESTS


def test_lock_from_other_network_leaves_owner_at_home_open(ada, clock, settings):
    settings.CRUDAUTH_LOCKOUT = {"LONG_ATTEMPTS": 10}
    lock("ada")
    clock.shift(61)  # the silent lock

    response = guess("ada", PASSWORD, address=HOME)

    assert response.status_code == HTTPStatus.OK


def test_right_guess_during_silent_lock_looks_wrong(ada, clock):
    lock_silently("ada")

    wrong, right = guess("ada"), guess("ada", PASSWORD)

    assert right.status_code == HTTPStatus.UNAUTHORIZED
    assert (wrong.content, wrong.headers.keys()) == (
        right.content,
        right.headers.keys(),
    )
    assert "crudauth_device" not in right.cookies


# Staying under the lock


def test_guesses_under_the_lock_end_after_a_hundred(ada, known, clock):
    for _window in range(25):
        codes = [guess("ada").status_code for _ in range(4)]
        assert codes == [HTTPStatus.UNAUTHORIZED] * 4
        clock.shift(15 * 60)

    right = guess("ada", PASSWORD)
    owner = guess("ada", PASSWORD, address=HOME, browser=known)
    afterwards = guess("ada", PASSWORD)

    assert right.status_code == HTTPStatus.UNAUTHORIZED
    # A success of the owner starts the count again.
    assert owner.status_code == HTTPStatus.OK
    assert afterwards.status_code == HTTPStatus.OK


def test_ninety_nine_guesses_under_the_lock_leave_account_open(ada, clock):
    for number in range(99):
        guess("ada", address=f"192.0.2.{number % 4}")
        clock.shift(5 * 60)

    assert guess("ada", PASSWORD).status_code == HTTPStatus.OK


def test_hundred_failures_end_after_thirty_days(ada, clock, settings):
    settings.CRUDAUTH_LOCKOUT = {"LONG_ATTEMPTS": 3}
    for _ in range(3):
        guess("ada")
    assert guess("ada", PASSWORD, address=HOME).status_code == HTTPStatus.UNAUTHORIZED

    clock.shift(30 * DAY)

    assert guess("ada", PASSWORD, address=HOME).status_code == HTTPStatus.OK


def test_guesses_during_silent_lock_do_not_use_up_the_hundred(ada, clock, settings):
    settings.CRUDAUTH_LOCKOUT = {"LONG_ATTEMPTS": 6}
    lock_silently("ada")
    for number in range(4):
        guess("ada", address=f"192.0.2.{100 + number}")
    clock.shift(61)

    assert guess("ada", PASSWORD).status_code == HTTPStatus.OK


def test_unknown_identifier_has_the_same_hundred(ada, clock, settings):
    settings.CRUDAUTH_LOCKOUT = {"LONG_ATTEMPTS": 3}
    seen = {
        name: [
            guess(name, address=f"192.0.2.{10 * number + n}").content for n in range(8)
        ]
        for number, name in enumerate(["ada", "unknown"])
    }

    assert seen["ada"] == seen["unknown"]


# A refused password


@pytest.mark.parametrize("reason", ["locked", "unverified"])
def test_refused_right_password_is_not_rehashed(ada, clock, settings, reason):
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.Argon2PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    old = make_password(PASSWORD, hasher="md5")
    user_model().objects.filter(pk=ada.pk).update(password=old)
    if reason == "locked":
        lock_silently("ada")
    settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = reason == "unverified"

    response = guess("ada", PASSWORD)

    assert response.status_code == HTTPStatus.UNAUTHORIZED
    ada.refresh_from_db()
    assert ada.password == old


@pytest.mark.parametrize("typed", [PASSWORD, "\uff43orrect horse battery"])
def test_refused_password_costs_hashes_of_a_wrong_password(ada, monkeypatch, typed):
    hashes = []
    verify = passwords.hashers.verify_password
    monkeypatch.setattr(
        passwords.hashers,
        "verify_password",
        lambda *args, **options: hashes.append(verify(*args, **options)) or hashes[-1],
    )
    lock_silently("ada")
    wrong = "\uff57rong horse battery" if typed != PASSWORD else WRONG
    counts = []
    for password in (typed, wrong):
        hashes.clear()
        guess("ada", password)
        counts.append([matches for matches, _outdated in hashes])

    assert counts[0] == counts[1]
    assert not any(counts[0])


def test_refused_password_reaches_no_later_backend(ada, clock, settings):
    settings.AUTHENTICATION_BACKENDS = [
        "crudauth_django.backends.IdentifierBackend",
        "django.contrib.auth.backends.ModelBackend",
    ]
    lock_silently("ada")
    locked = authenticate(None, username="ada", password=PASSWORD)
    clock.shift(61)
    opened = authenticate(None, username="ada", password=PASSWORD)
    settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = True

    unverified = authenticate(None, username="ada", password=PASSWORD)

    assert (locked, opened, unverified) == (None, ada, None)


def test_failing_receiver_leaves_wrong_password_a_401(ada, caplog):
    def fail(**_values):
        raise RuntimeError("no room in the audit table")

    user_login_failed.connect(fail)
    try:
        response = guess("ada")
    finally:
        user_login_failed.disconnect(fail)

    assert response.status_code == HTTPStatus.UNAUTHORIZED
    assert "no room in the audit table" in caplog.text


# The cookie of a known device


def test_known_device_gets_in_during_every_lock(ada, known, clock, settings):
    settings.CRUDAUTH_LOCKOUT = {"NETWORK_ATTEMPTS": 8, "LONG_ATTEMPTS": 3}
    lock_silently("ada")
    lock("ada", HOME)
    lock("unknown", HOME)

    other = guess("ada", PASSWORD, address=HOME)
    owner = guess("ada", PASSWORD, address=HOME, browser=known)

    assert other.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert owner.status_code == HTTPStatus.OK


def test_failures_of_known_device_lock_that_device(ada, known, clock):
    codes = [guess("ada", browser=known).status_code for _ in range(6)]

    refused = guess("ada", PASSWORD, browser=known)
    other = guess("ada", PASSWORD)

    assert codes == [HTTPStatus.UNAUTHORIZED] * 5 + [HTTPStatus.TOO_MANY_REQUESTS]
    assert refused.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert other.status_code == HTTPStatus.OK


def test_known_device_has_at_most_a_hundred_guesses(ada, known, clock, settings):
    settings.CRUDAUTH_LOCKOUT = {"LONG_ATTEMPTS": 3}
    for _ in range(3):
        guess("ada", browser=known)

    refused = guess("ada", PASSWORD, browser=known)

    assert refused.status_code == HTTPStatus.UNAUTHORIZED


def test_device_of_first_account_is_unknown_to_second_account(ada, known, clock):
    bob = user_model().objects.create_user(username="bob", password=PASSWORD)
    lock_silently("bob")

    response = guess("bob", PASSWORD, browser=known)

    assert bob.pk != ada.pk
    assert response.status_code == HTTPStatus.UNAUTHORIZED


def mutations(cookie):
    body, stamp, signature = cookie.split(":")
    flipped = "A" if signature[0] != "A" else "B"
    return [
        "",
        ":",
        "::",
        cookie[:-1],
        cookie + "A",
        f"{body}:{stamp}:{flipped}{signature[1:]}",
        f"{body[:-2]}:{stamp}:{signature}",
        f"{body}:zzzzzz:{signature}",
        f"{body}::{signature}",
        f".{body}:{stamp}:{signature}",
        f"{stamp}:{body}:{signature}",
        "\xc3\xa9\xe4\xb8\xad:\xc3:\xa9",
        "%00%ff:::",
        "x" * 4000,
    ]


def test_mutilated_cookie_is_an_unknown_device(ada, known, clock):
    cookie = known.client.cookies["crudauth_device"].value
    lock_silently("ada")

    for mutation in mutations(cookie):
        response = Browser().post(
            "/login",
            {"username": "ada", "password": PASSWORD},
            REMOTE_ADDR=network(),
            HTTP_COOKIE=f"crudauth_device={mutation}",
        )
        assert response.status_code == HTTPStatus.UNAUTHORIZED, mutation

    assert guess("ada", PASSWORD, browser=known).status_code == HTTPStatus.OK


def test_cookie_ends_with_epoch_and_with_maximum_age(ada, known, clock, settings):
    lock_silently("ada")
    user_model().objects.update(auth_epoch=1)
    ended = guess("ada", PASSWORD, browser=known)
    user_model().objects.update(auth_epoch=0)
    clock.shift(365 * DAY + 1)
    lock_silently("ada")

    old = guess("ada", PASSWORD, browser=known)

    assert ended.status_code == HTTPStatus.UNAUTHORIZED
    assert old.status_code == HTTPStatus.UNAUTHORIZED


def test_cookie_survives_a_rotated_secret_key(ada, known, clock, settings):
    lock_silently("ada")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-" + "x" * 50
    lock_silently("ada")

    assert guess("ada", PASSWORD, browser=known).status_code == HTTPStatus.OK


def test_device_cookie_has_attributes_of_session_cookie(ada, settings):
    settings.SESSION_COOKIE_SECURE = True
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    settings.SESSION_COOKIE_DOMAIN = "example.com"
    settings.SESSION_COOKIE_PATH = "/accounts/"

    cookies = Browser().log_in().cookies

    names = ("secure", "samesite", "domain", "path", "httponly")
    device, session = (
        [cookies[cookie][name] for name in names]
        for cookie in ("crudauth_device", "sessionid")
    )
    assert device == session
    assert cookies["crudauth_device"]["max-age"] == 365 * DAY


def test_device_cookie_signs_no_client_in(ada, known):
    known.client.cookies.pop("sessionid", None)

    assert known.client.cookies["crudauth_device"].value
    assert known.get("/me").status_code == HTTPStatus.UNAUTHORIZED


def test_registration_and_refused_login_remember_no_device(ada):
    body = {"username": "eve", "phone": "+12125552369", "password": PASSWORD}
    responses = [Browser().post("/register", body), guess("ada")]

    assert [r.status_code for r in responses] == [
        HTTPStatus.ACCEPTED,
        HTTPStatus.UNAUTHORIZED,
    ]
    assert not any("crudauth_device" in response.cookies for response in responses)


def test_device_stays_known_after_password_change(ada, clock):
    browser = Browser()
    browser.log_in()
    assert browser.change_password().status_code == HTTPStatus.OK
    lock_silently("ada")

    response = guess("ada", NEW_PASSWORD, browser=browser)

    assert response.status_code == HTTPStatus.OK


def confirm_change(browser, outbox):
    return browser.post("/email/change-confirm", {"token": outbox[-1].token})


def test_device_stays_known_after_change_of_number(ada, clock, outbox):
    browser = Browser()
    browser.log_in()
    body = {"new_phone": "+12125552399", "password": PASSWORD}
    browser.post("/email/change-request", body)
    assert confirm_change(browser, outbox).status_code == HTTPStatus.OK
    lock_silently("ada")

    assert guess("ada", PASSWORD, browser=browser).status_code == HTTPStatus.OK


def test_change_confirmed_elsewhere_makes_no_device_known(ada, clock, outbox):
    user_model().objects.create_user(username="bob", password=PASSWORD)
    browser, other = Browser(), Browser()
    browser.log_in()
    other.log_in("bob")
    body = {"new_phone": "+12125552399", "password": PASSWORD}
    browser.post("/email/change-request", body)

    response = confirm_change(other, outbox)

    assert response.status_code == HTTPStatus.OK
    assert "crudauth_device" not in response.cookies


def test_reset_replaces_the_known_devices(ada, known, clock):
    browser = Browser()
    reset = browser.reset_password(RESET.make_token(ada))
    assert reset.status_code == HTTPStatus.OK
    lock_silently("ada")

    old = guess("ada", NEW_PASSWORD, browser=known)
    new = guess("ada", NEW_PASSWORD, address=HOME, browser=browser)

    assert old.status_code == HTTPStatus.UNAUTHORIZED
    assert new.status_code == HTTPStatus.OK


# A reset lets the owner in while another client guesses


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def live_site(request, databases, tmp_path_factory):
    with site(
        "gunicorn-threads",
        database=databases.fresh(request.param),
        folder=tmp_path_factory.mktemp("lockout"),
    ) as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("networks", [1, 6])
def test_owner_gets_in_after_reset_while_others_guess(live_site, networks):
    owner = new_user()
    live_site.register(owner)
    stop = threading.Event()
    addresses = [network() for _ in range(networks)]
    guesses = []

    def poll(address):
        body = {"username": owner.username, "password": WRONG}
        while not stop.is_set():
            guesses.append(live_site.post("/login", body, address=address))
            time.sleep(0.05)

    threads = [threading.Thread(target=poll, args=[a]) for a in addresses]
    for thread in threads:
        thread.start()
    try:
        live_site.post("/password/reset-request", {"phone": owner.phone})
        body = {
            "token": live_site.token("reset_password", owner.phone),
            "new_password": NEW_PASSWORD,
        }
        at_home = {"address": network(), "session": live_site.browser()}
        reset = live_site.post("/password/reset-confirm", body, **at_home)
        until = len(guesses) + 10 * networks
        eventually(lambda: len(guesses) > until)
        body = {"username": owner.username, "password": NEW_PASSWORD}
        login = live_site.post("/login", body, **at_home)
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    assert [reset.status_code, login.status_code] == [HTTPStatus.OK] * 2
