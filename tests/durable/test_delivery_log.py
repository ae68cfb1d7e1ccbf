"""The delivery log: its rows, its masked values, and how it is pruned."""

import time
from datetime import timedelta
from http import HTTPStatus
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, models
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from crudauth_django.channels.base import DeliveryChannel, set_provider_id
from crudauth_django.delivery.deliver import deliver_message
from crudauth_django.delivery.message import PendingMessage
from crudauth_django.delivery_log.models import LoggedDelivery
from crudauth_django.exceptions import (
    DeliveryFailed,
    DeliveryMisconfigured,
    DeliveryRejected,
)
from crudauth_django.identity.normalize import country_of
from crudauth_django.kinds import MessageKind
from crudauth_django.models import Counter, FormerValue
from crudauth_django.users import field_of, user_model

pytestmark = pytest.mark.django_db

HERE = "tests.durable.test_delivery_log"


class ProviderChannel(DeliveryChannel):
    """Raises ``provider_error`` for every message, or accepts it if there is none."""

    provider_error: Exception | None = None

    def deliver(self, intent):
        if self.provider_error:
            raise self.provider_error
        set_provider_id("SM123")


@pytest.fixture
def provider_raises(monkeypatch, settings):
    """A function that sets the error for every message; ``None`` for success."""
    settings.CRUDAUTH_CHANNELS = [f"{HERE}.ProviderChannel"]
    return lambda error: monkeypatch.setattr(ProviderChannel, "provider_error", error)


@pytest.fixture
def message(ada):
    return PendingMessage(kind=MessageKind.RESET_PASSWORD, value=str(ada.phone))


def logged():
    return list(
        LoggedDelivery.objects.values_list("outcome", "attempts", "code", "provider_id")
    )


def test_delivered_message_is_logged_as_one_row(provider_raises, message):
    provider_raises(None)
    deliver_message(message)
    row = LoggedDelivery.objects.get()

    assert logged() == [("delivered", 1, "", "SM123")]
    assert row.message_id == message.id
    assert row.kind == MessageKind.RESET_PASSWORD
    assert row.channel == f"{HERE}.ProviderChannel"
    assert row.recipient == "+1********68"
    assert row.country == "US"


def test_retried_message_updates_same_row(provider_raises, message):
    provider_raises(DeliveryFailed("busy", code="429"))
    following = deliver_message(message)
    failed = logged()
    provider_raises(None)
    deliver_message(following)

    assert failed == [("failed", 1, "429", "")]
    assert logged() == [("delivered", 2, "", "SM123")]


def test_rejected_message_is_logged_with_provider_code(provider_raises, message):
    provider_raises(DeliveryRejected("opted out", code="21610"))
    deliver_message(message)

    assert logged() == [("rejected", 1, "21610", "")]


def test_message_given_up_is_logged_as_gave_up(provider_raises, ada):
    provider_raises(DeliveryFailed("busy"))
    # The token is valid at this attempt, and expires before the next, 2 s later.
    requested_at = time.time() - timedelta(hours=1).total_seconds() + 1.5
    deliver_message(
        PendingMessage(
            kind=MessageKind.RESET_PASSWORD,
            value=str(ada.phone),
            requested_at=requested_at,
        )
    )

    assert logged() == [("gave_up", 1, "", "")]


def test_held_back_message_is_logged_until_it_is_delivered(provider_raises, message):
    provider_raises(DeliveryFailed("busy", code="429"))
    with override_settings(CRUDAUTH_TARGET_BUDGET="1/15m"):
        waiting = deliver_message(deliver_message(message))
    held = LoggedDelivery.objects.get()
    provider_raises(None)
    deliver_message(waiting)

    assert (held.outcome, held.attempts, held.code) == ("held_back", 1, "target_budget")
    assert held.held_until.timestamp() == pytest.approx(waiting.due_at, abs=1)
    assert LoggedDelivery.objects.get().held_until is None
    assert logged() == [("delivered", 2, "", "SM123")]


@override_settings(CRUDAUTH_TARGET_BUDGET="1/15m")
def test_message_held_back_at_first_is_logged_without_attempt(provider_raises, message):
    provider_raises(None)
    deliver_message(message)
    other = PendingMessage(kind=MessageKind.RESET_PASSWORD, value=message.value)

    assert deliver_message(other) is None

    row = LoggedDelivery.objects.get(message_id=other.id)
    assert (row.outcome, row.attempts, row.code) == ("held_back", 0, "target_budget")
    assert row.held_until > timezone.now()


@override_settings(CRUDAUTH_TARGET_BUDGET="1/15m")
def test_held_back_message_to_unknown_value_is_not_logged(provider_raises):
    provider_raises(None)
    for _ in range(3):
        deliver_message(
            PendingMessage(kind=MessageKind.RESET_PASSWORD, value="+12125550000")
        )

    assert logged() == []


def test_misconfigured_channel_is_logged_as_failed(provider_raises, message):
    provider_raises(
        DeliveryMisconfigured("refused", code="20003", setting="CRUDAUTH_CHANNELS")
    )
    deliver_message(message)

    assert logged() == [("failed", 1, "20003", "")]


def test_message_for_unknown_value_is_not_logged(provider_raises):
    provider_raises(None)
    deliver_message(
        PendingMessage(kind=MessageKind.RESET_PASSWORD, value="+12125550000")
    )

    assert logged() == []


@pytest.mark.django_db(transaction=True)
def test_broken_log_does_not_stop_delivery(provider_raises, message, caplog):
    provider_raises(None)
    with connection.schema_editor() as editor:
        editor.delete_model(LoggedDelivery)
    try:
        assert deliver_message(message) is None
        assert "could not be logged" in caplog.text
    finally:
        with connection.schema_editor() as editor:
            editor.create_model(LoggedDelivery)


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+12125552368", "US"),
        ("+14165550123", "CA"),
        ("+447400123456", "GB"),
        ("+80012345678", "001"),
        ("+5500", "BR"),
        ("nonsense", ""),
    ],
)
def test_country_of_phone_number_is_found(number, country):
    assert country_of(field_of("phone"), number) == country


def test_country_of_email_address_is_empty():
    assert country_of(models.EmailField(), "ada@example.com") == ""


def test_admin_shows_log_read_only(provider_raises, message, client, settings):
    provider_raises(None)
    deliver_message(message)
    row = LoggedDelivery.objects.get()
    root = user_model().objects.create_superuser(username="root", password="x" * 12)
    client.force_login(root, backend=settings.AUTHENTICATION_BACKENDS[0])
    url = reverse("admin:crudauth_delivery_log_loggeddelivery_changelist")

    shown = client.get(url, {"outcome": "delivered", "country": "US"})
    hidden = client.get(url, {"outcome": "rejected"})
    added = client.get(f"{url}add/")
    changed = client.post(f"{url}{row.pk}/change/", {"outcome": "rejected"})
    deleted = client.post(f"{url}{row.pk}/delete/", {"post": "yes"})

    assert "+1********68" in shown.content.decode()
    assert str(message.value) not in shown.content.decode()
    assert "+1********68" not in hidden.content.decode()
    assert {added.status_code, changed.status_code, deleted.status_code} == {
        HTTPStatus.FORBIDDEN
    }
    assert logged() == [("delivered", 1, "", "SM123")]


def test_prune_deletes_old_rows_and_prints_counts(provider_raises, message):
    provider_raises(None)
    deliver_message(message)
    deliver_message(
        PendingMessage(kind=MessageKind.RESET_PASSWORD, value=message.value)
    )
    long_ago = timezone.now() - timedelta(days=91)
    LoggedDelivery.objects.filter(message_id=message.id).update(tried_at=long_ago)
    Counter.objects.all().delete()
    Counter.objects.create(key="old", expires_at=long_ago)
    FormerValue.objects.create(user_pk="1", value="+1", expires_at=long_ago)
    FormerValue.objects.create(
        user_pk="2", value="+2", expires_at=timezone.now() + timedelta(hours=1)
    )
    Counter.objects.create(key="new", expires_at=timezone.now() + timedelta(hours=1))
    output = StringIO()

    call_command("crudauth_prune", stdout=output)

    assert output.getvalue().splitlines() == [
        "expired counters: 1 deleted",
        "former recovery values: 1 deleted",
        "lines of the delivery log: 1 deleted",
        "finished queue entries: not used here",
    ]
    assert LoggedDelivery.objects.count() == 1
    assert Counter.objects.get().key == "new"
    assert FormerValue.objects.get().user_pk == "2"
