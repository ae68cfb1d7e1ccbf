"""Signals: their values, and the moment that they are sent."""

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
def received():
    """Every signal about a change, by name and in order."""
    values_by_name = defaultdict(list)
    listeners = []
    for name, signal in vars(signals).items():
        if isinstance(signal, Signal) and signal is not signals.delivery_attempted:

            def listen(name=name, **values):
                values_by_name[name].append(values)

            signal.connect(listen)
            listeners.append((signal, listen))
    yield values_by_name
    for signal, listen in listeners:
        signal.disconnect(listen)


def names(received) -> list[str]:
    return sorted(received)


def test_registration_sends_user_registered(received):
    user = registration.register(values=VALUES, password=PASSWORD, client=HERE)

    (values,) = received["user_registered"]
    assert names(received) == ["user_registered"]
    assert values["sender"] is user_model()
    assert values["user"] == user
    assert values["client"] == HERE


def test_verification_sends_recovery_verified(ada, received):
    recovery.confirm_verification(token=make_token(VERIFY.purpose, ada), client=HERE)

    (values,) = received["recovery_verified"]
    assert names(received) == ["recovery_verified"]
    assert values["user"].is_recovery_verified
    assert values["client"] == HERE


def test_reset_sends_password_reset_and_credentials_revoked(ada, received):
    recovery.confirm_reset(
        token=make_token(RESET.purpose, ada), new_password=NEW_PASSWORD
    )

    assert names(received) == ["credentials_revoked", "password_reset"]
    assert received["password_reset"][0]["client"] == Client()


def test_change_sends_recovery_changed_and_credentials_revoked(ada, received, rf):
    request = rf.post("/", REMOTE_ADDR=HERE.address, HTTP_USER_AGENT=HERE.user_agent)
    request.session = SessionStore()
    user_model().objects.update(phone_pending="+15551234567")
    ada.refresh_from_db()

    changes.confirm_change(token=make_token(CHANGE.purpose, ada), request=request)

    (values,) = received["recovery_changed"]
    assert names(received) == ["credentials_revoked", "recovery_changed"]
    assert values["old_value"] == "+12125552368"
    assert values["client"] == HERE
    assert values["user"].held_value == "+15551234567"


def test_end_all_sessions_sends_credentials_revoked(ada, received):
    sessions.end_all_sessions(user=ada, client=HERE)

    assert names(received) == ["credentials_revoked"]


def test_signal_over_http_names_the_client(api, ada, received):
    api.log_in()
    api.post(
        "/change-password",
        {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
        headers={"User-Agent": "a browser"},
        REMOTE_ADDR="192.0.2.7",
    )

    (values,) = received["password_changed"]
    assert names(received) == ["credentials_revoked", "password_changed"]
    client = values["client"]
    assert (client.address, client.user_agent) == (HERE.address, HERE.user_agent)


def test_signal_waits_for_the_commit(received):
    with transaction.atomic():
        registration.register(values=VALUES, password=PASSWORD)
        assert names(received) == []

    assert names(received) == ["user_registered"]


def test_signal_of_rolled_back_change_is_not_sent(received):
    with transaction.atomic():
        registration.register(values=VALUES, password=PASSWORD)
        transaction.set_rollback(True)

    assert names(received) == []


def test_receiver_that_raises_stops_no_other(received, caplog):
    def fail(**_values):
        raise RuntimeError("a bug of the project")

    signals.user_registered.connect(fail)
    try:
        user = registration.register(values=VALUES, password=PASSWORD)
    finally:
        signals.user_registered.disconnect(fail)

    assert user_model().objects.get() == user
    assert len(received["user_registered"]) == 1
    assert any(record.levelno == logging.ERROR for record in caplog.records)


def test_refused_password_sends_no_signal(ada, received):
    with pytest.raises(ValidationError):
        recovery.confirm_reset(
            token=make_token(RESET.purpose, ada), new_password="short"
        )

    assert names(received) == []


def test_signals_carry_no_password(ada, received):
    recovery.confirm_reset(
        token=make_token(RESET.purpose, ada), new_password=NEW_PASSWORD
    )

    for values in received["password_reset"]:
        assert NEW_PASSWORD not in repr(values)


def test_receiver_for_user_model_gets_credentials_revoked(api, ada):
    revoked = []

    def revoke(**values):
        revoked.append(values["user"].pk)

    signals.credentials_revoked.connect(revoke, sender=user_model())
    api.log_in()
    api.change_password()
    signals.credentials_revoked.disconnect(revoke, sender=user_model())

    assert revoked == [ada.pk]


def test_reset_sends_signals_while_counters_are_down(ada, received, settings):
    token = make_token(RESET.purpose, ada)
    settings.CRUDAUTH_CHANNELS = []
    dead = "redis://127.0.0.1:1/0"
    redis = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": redis, "LOCATION": dead}}
    settings.CRUDAUTH_COUNTERS = "crudauth_django.counters.CacheCounters"

    recovery.confirm_reset(token=token, new_password=NEW_PASSWORD)

    assert len(received["credentials_revoked"]) == 1
