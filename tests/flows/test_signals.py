"""What is announced, when, and with what."""

from __future__ import annotations

import logging
from collections import defaultdict

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import ValidationError
from django.db import transaction
from django.dispatch import Signal

from crudauth_django import signals
from crudauth_django.client import Client
from crudauth_django.flows import changes, recovery, registration, sessions
from crudauth_django.security.redemption import CHANGE, RESET, VERIFY
from crudauth_django.security.tokens import make_token
from crudauth_django.users import user_model
from tests.support.client import NEW_PASSWORD, PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

HERE = Client(address="192.0.2.7", user_agent="a browser")
VALUES = {"username": "neo", "phone": "+15551234567"}


@pytest.fixture
def heard():
    """Every signal about a change, by name and in order."""
    received = defaultdict(list)
    listeners = []
    for name, signal in vars(signals).items():
        if isinstance(signal, Signal) and signal is not signals.delivery_attempted:

            def listen(name=name, **values):
                received[name].append(values)

            signal.connect(listen)
            listeners.append((signal, listen))
    yield received
    for signal, listen in listeners:
        signal.disconnect(listen)


def names(heard) -> list[str]:
    return sorted(heard)


def test_registration_is_announced(heard):
    user = registration.register(values=VALUES, password=PASSWORD, client=HERE)

    (values,) = heard["user_registered"]
    assert names(heard) == ["user_registered"]
    assert values["sender"] is user_model()
    assert values["user"] == user
    assert values["client"] == HERE


def test_verification_is_announced(ada, heard):
    recovery.confirm_verification(token=make_token(VERIFY.purpose, ada), client=HERE)

    (values,) = heard["recovery_verified"]
    assert names(heard) == ["recovery_verified"]
    assert values["user"].is_recovery_verified
    assert values["client"] == HERE


def test_a_reset_is_announced_and_revokes(ada, heard):
    recovery.confirm_reset(
        token=make_token(RESET.purpose, ada), new_password=NEW_PASSWORD
    )

    assert names(heard) == ["credentials_revoked", "password_reset"]
    assert heard["password_reset"][0]["client"] == Client()


def test_a_change_of_factor_is_announced_and_revokes(ada, heard, rf):
    request = rf.post("/", REMOTE_ADDR=HERE.address, HTTP_USER_AGENT=HERE.user_agent)
    request.session = SessionStore()
    user_model().objects.update(phone_pending="+15551234567")
    ada.refresh_from_db()

    changes.confirm_change(token=make_token(CHANGE.purpose, ada), request=request)

    (values,) = heard["recovery_changed"]
    assert names(heard) == ["credentials_revoked", "recovery_changed"]
    assert values["old_value"] == "+12125552368"
    assert values["client"] == HERE
    assert values["user"].held_value == "+15551234567"


def test_signing_out_everywhere_revokes(ada, heard):
    sessions.end_all_sessions(user=ada, client=HERE)

    assert names(heard) == ["credentials_revoked"]


def test_over_http_the_client_is_told(api, ada, heard):
    login = api.post(
        "/login",
        {"username": "ada", "password": PASSWORD},
        format="json",
        headers={"User-Agent": "a browser"},
    )
    api.post(
        "/change-password",
        {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
        format="json",
        headers={
            "User-Agent": "a browser",
            "X-CSRFToken": login.data["csrf_token"],
        },
        REMOTE_ADDR="192.0.2.7",
    )

    (values,) = heard["password_changed"]
    assert names(heard) == ["credentials_revoked", "password_changed"]
    assert values["client"] == HERE


def test_nothing_is_announced_before_the_commit(heard):
    with transaction.atomic():
        registration.register(values=VALUES, password=PASSWORD)
        assert names(heard) == []

    assert names(heard) == ["user_registered"]


def test_nothing_that_was_rolled_back_is_announced(heard):
    with transaction.atomic():
        registration.register(values=VALUES, password=PASSWORD)
        transaction.set_rollback(True)

    assert names(heard) == []


def test_a_receiver_that_raises_stops_nobody(heard, caplog):
    def fail(**_values):
        raise RuntimeError("a bug of the project")

    signals.user_registered.connect(fail)
    try:
        user = registration.register(values=VALUES, password=PASSWORD)
    finally:
        signals.user_registered.disconnect(fail)

    assert user_model().objects.get() == user
    assert len(heard["user_registered"]) == 1
    assert any(record.levelno == logging.ERROR for record in caplog.records)


def test_a_refused_password_announces_nothing(ada, heard):
    with pytest.raises(ValidationError):
        recovery.confirm_reset(
            token=make_token(RESET.purpose, ada), new_password="short"
        )

    assert names(heard) == []


def test_no_signal_carries_a_password(ada, heard):
    recovery.confirm_reset(
        token=make_token(RESET.purpose, ada), new_password=NEW_PASSWORD
    )

    for values in heard["password_reset"]:
        assert NEW_PASSWORD not in repr(values)


def test_a_receiver_that_names_the_user_model_hears_of_a_changed_password(api, ada):
    heard = []

    def revoke(**values):
        heard.append(values["user"].pk)

    signals.credentials_revoked.connect(revoke, sender=user_model())
    body = {"username": "ada", "password": PASSWORD}
    csrf = api.post("/login", body, format="json").json()["csrf_token"]
    api.post(
        "/change-password",
        {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
        format="json",
        headers={"X-CSRFToken": csrf},
    )
    signals.credentials_revoked.disconnect(revoke, sender=user_model())

    assert heard == [ada.pk]


def test_a_reset_is_announced_though_nobody_can_lift_the_lock(ada, heard, settings):
    token = make_token(RESET.purpose, ada)
    settings.CRUDAUTH_CHANNELS = []
    dead = "redis://127.0.0.1:1/0"
    redis = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": redis, "LOCATION": dead}}
    settings.CRUDAUTH_COUNTERS = "crudauth_django.counters.CacheCounters"

    recovery.confirm_reset(token=token, new_password=NEW_PASSWORD)

    assert len(heard["credentials_revoked"]) == 1
