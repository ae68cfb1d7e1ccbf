"""The delivery log: what it says, what it never says, and how it ends."""

import time
from datetime import timedelta
from http import HTTPStatus
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, models
from django.urls import reverse
from django.utils import timezone

from crudauth_django.channels.base import DeliveryChannel
from crudauth_django.channels.provider_ids import set_provider_id
from crudauth_django.delivery.deliver import deliver_message
from crudauth_django.delivery.message import PendingMessage
from crudauth_django.delivery_log.models import LoggedDelivery
from crudauth_django.exceptions import DeliveryFailed, DeliveryRejected
from crudauth_django.identity.normalize import country_of
from crudauth_django.kinds import MessageKind
from crudauth_django.models import Counter
from crudauth_django.users import field_of, user_model

pytestmark = pytest.mark.django_db

HERE = "tests.durable.test_delivery_log"


class ProviderChannel(DeliveryChannel):
    """Says ``verdict`` to every message."""

    verdict: Exception | None = None

    def deliver(self, intent):
        if self.verdict:
            raise self.verdict
        set_provider_id("SM123")


@pytest.fixture
def verdict(monkeypatch, settings):
    """Have every message end in a way."""
    settings.CRUDAUTH_CHANNELS = [f"{HERE}.ProviderChannel"]
    return lambda error: monkeypatch.setattr(ProviderChannel, "verdict", error)


@pytest.fixture
def question(ada):
    return PendingMessage(kind=MessageKind.RESET_PASSWORD, value=str(ada.phone))


def logged():
    return list(
        LoggedDelivery.objects.values_list("outcome", "attempts", "code", "provider_id")
    )


def test_a_delivered_message_is_one_line(verdict, question):
    verdict(None)
    deliver_message(question)
    line = LoggedDelivery.objects.get()

    assert logged() == [("delivered", 1, "", "SM123")]
    assert line.message_id == question.id
    assert line.kind == MessageKind.RESET_PASSWORD
    assert line.channel == f"{HERE}.ProviderChannel"
    assert line.recipient == "+1********68"
    assert line.country == "US"


def test_a_message_that_fails_and_then_arrives_stays_one_line(verdict, question):
    verdict(DeliveryFailed("busy", code="429"))
    follow_up = deliver_message(question)
    failed = logged()
    verdict(None)
    deliver_message(follow_up)

    assert failed == [("failed", 1, "429", "")]
    assert logged() == [("delivered", 2, "", "SM123")]


def test_a_rejected_message_keeps_the_providers_code(verdict, question):
    verdict(DeliveryRejected("opted out", code="21610"))
    deliver_message(question)

    assert logged() == [("rejected", 1, "21610", "")]


def test_a_message_that_is_given_up_says_so(verdict, ada):
    verdict(DeliveryFailed("busy"))
    # The token still works at this try, and not at the next, 2 seconds later.
    requested_at = time.time() - timedelta(hours=1).total_seconds() + 1.5
    deliver_message(
        PendingMessage(
            kind=MessageKind.RESET_PASSWORD,
            value=str(ada.phone),
            requested_at=requested_at,
        )
    )

    assert logged() == [("gave_up", 1, "", "")]


def test_a_message_nobody_is_there_for_leaves_no_line(verdict):
    verdict(None)
    deliver_message(
        PendingMessage(kind=MessageKind.RESET_PASSWORD, value="+12125550000")
    )

    assert logged() == []


@pytest.mark.django_db(transaction=True)
def test_a_log_that_is_out_of_order_stops_no_message(verdict, question, caplog):
    verdict(None)
    with connection.schema_editor() as editor:
        editor.delete_model(LoggedDelivery)
    try:
        assert deliver_message(question) is None
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
def test_a_number_says_its_country(number, country):
    assert country_of(field_of("phone"), number) == country


def test_what_is_no_number_has_no_country():
    assert country_of(models.EmailField(), "ada@example.com") == ""


def test_the_admin_shows_the_log_and_changes_nothing(
    verdict, question, client, settings
):
    verdict(None)
    deliver_message(question)
    line = LoggedDelivery.objects.get()
    root = user_model().objects.create_superuser(username="root", password="x" * 12)
    client.force_login(root, backend=settings.AUTHENTICATION_BACKENDS[0])
    url = reverse("admin:crudauth_delivery_log_loggeddelivery_changelist")

    shown = client.get(url, {"outcome": "delivered", "country": "US"})
    hidden = client.get(url, {"outcome": "rejected"})
    added = client.get(f"{url}add/")
    changed = client.post(f"{url}{line.pk}/change/", {"outcome": "rejected"})
    deleted = client.post(f"{url}{line.pk}/delete/", {"post": "yes"})

    assert "+1********68" in shown.content.decode()
    assert str(question.value) not in shown.content.decode()
    assert "+1********68" not in hidden.content.decode()
    assert {added.status_code, changed.status_code, deleted.status_code} == {
        HTTPStatus.FORBIDDEN
    }
    assert logged() == [("delivered", 1, "", "SM123")]


def test_what_is_old_is_pruned_and_the_command_says_how_much(verdict, question):
    verdict(None)
    deliver_message(question)
    deliver_message(
        PendingMessage(kind=MessageKind.RESET_PASSWORD, value=question.value)
    )
    long_ago = timezone.now() - timedelta(days=91)
    LoggedDelivery.objects.filter(message_id=question.id).update(tried_at=long_ago)
    Counter.objects.all().delete()
    Counter.objects.create(key="old", expires_at=long_ago)
    Counter.objects.create(key="new", expires_at=timezone.now() + timedelta(hours=1))
    said = StringIO()

    call_command("crudauth_prune", stdout=said)

    assert said.getvalue().splitlines() == [
        "expired counters: 1 deleted",
        "lines of the delivery log: 1 deleted",
        "finished queue entries: not used here",
    ]
    assert LoggedDelivery.objects.count() == 1
    assert Counter.objects.get().key == "new"
