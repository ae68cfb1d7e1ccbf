"""Messages that a stranger causes: none is lost to the owner, and none pumps.

Sources: OWASP Forgot Password Cheat Sheet (rate limits per account, notice of a
change); NIST SP 800-63B-4, section 4.6 (notify of account events) and 3.1.3.3
(limits of out-of-band messages); CWE-770 (allocation without limits); CWE-799
(interaction frequency); OWASP API4:2023 (unrestricted resource consumption, SMS).
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import ClassVar

import pytest
import time_machine
from django.utils import timezone

from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.delivery.deliver import deliver_message
from crudauth_django.delivery_log.models import LoggedDelivery
from crudauth_django.models import FormerValue
from tests.support.client import NEW_PASSWORD, PASSWORD, Browser
from tests.support.dispatchers import RecordingDispatcher
from tests.support.site import NewUser, Site, new_user, site
from tests.support.waiting import eventually

#: The numbers of the owner and of the thief.
VALUE, OTHER = "+12125552368", "+12125552399"


class SlowGateway(DeliveryChannel):
    """Takes each message, and answers too late."""

    handed_over: ClassVar[list[float]] = []

    def deliver(self, intent: DeliveryIntent) -> None:
        self.handed_over.append(time.time())
        raise TimeoutError


class RefusingGateway(SlowGateway):
    """Says that it is busy, whether it has taken the message or not."""

    def deliver(self, intent: DeliveryIntent) -> None:
        self.handed_over.append(time.time())
        raise ConnectionError


@pytest.fixture
def owner(ada, api, outbox) -> Browser:
    """Ada, verified and signed in."""
    api.post("/email/verify-request", {"phone": VALUE})
    api.verify(outbox[-1].token)
    api.log_in()
    outbox.clear()
    return api


def kinds_to(outbox: list[DeliveryIntent], value: str) -> list[str]:
    return [intent.kind for intent in outbox if intent.recipient == value]


def request_resets(number: int, value: str = VALUE) -> list[int]:
    responses = [
        Browser().post("/password/reset-request", {"phone": value})
        for _ in range(number)
    ]
    return [response.status_code for response in responses]


def change_number(thief: Browser, outbox: list[DeliveryIntent], value: str) -> None:
    body = {"new_phone": value, "password": PASSWORD}
    thief.post("/email/change-request", body)
    thief.post("/email/change-confirm", {"token": outbox[-1].token})


def test_used_up_budget_leaves_notice_of_change(owner, outbox):
    assert request_resets(30) == [HTTPStatus.OK] * 30
    outbox.clear()

    change_number(owner, outbox, OTHER)

    assert kinds_to(outbox, VALUE) == ["recovery_changed"]


def test_used_up_budget_leaves_notice_of_new_password(owner, outbox):
    request_resets(30)
    outbox.clear()

    owner.change_password()

    assert kinds_to(outbox, VALUE) == ["password_changed"]


def test_changed_passwords_leave_notice_of_change(owner, outbox, settings):
    settings.CRUDAUTH_THROTTLES = {"change_password": None}
    for _ in range(10):
        owner.change_password(PASSWORD, NEW_PASSWORD)
        owner.change_password(NEW_PASSWORD, PASSWORD)
    outbox.clear()

    change_number(owner, outbox, OTHER)

    assert kinds_to(outbox, VALUE) == ["recovery_changed"]


def test_old_values_hear_of_new_password_for_a_day(owner, outbox):
    change_number(owner, outbox, OTHER)
    change_number(owner, outbox, "+12125552400")
    outbox.clear()

    owner.change_password()

    notices = {intent.recipient for intent in outbox}
    assert [intent.kind for intent in outbox] == ["password_changed"] * 3
    assert notices == {VALUE, OTHER, "+12125552400"}
    for intent in outbox:
        assert not {intent.account, intent.link} & (notices - {intent.recipient})


def test_old_value_hears_of_reset_over_new_value(owner, outbox):
    change_number(owner, outbox, OTHER)
    request_resets(1, OTHER)
    token = outbox[-1].token
    outbox.clear()

    Browser().reset_password(token)

    assert kinds_to(outbox, VALUE) == ["password_changed"]


def test_old_value_hears_nothing_after_a_day(owner, outbox):
    change_number(owner, outbox, OTHER)
    row = FormerValue.objects.get()
    lifetime = row.expires_at.timestamp() - time.time()
    FormerValue.objects.update(expires_at=timezone.now())
    outbox.clear()

    owner.change_password()

    assert lifetime == pytest.approx(24 * 3600, abs=60)
    assert kinds_to(outbox, VALUE) == []


def test_registrations_leave_requests_of_owner(db, outbox):
    for number in range(10):
        body = {"username": f"stranger{number}", "phone": VALUE, "password": PASSWORD}
        assert Browser().post("/register", body).status_code == HTTPStatus.ACCEPTED
    body = {"username": "owner", "phone": VALUE, "password": PASSWORD}
    Browser().post("/register", body)
    caused = len(outbox)

    Browser().post("/email/verify-request", {"phone": VALUE})
    Browser().post("/password/reset-request", {"phone": VALUE})

    assert caused == 2
    assert kinds_to(outbox[caused:], VALUE) == ["verify_recovery", "reset_password"]


@pytest.mark.parametrize("gateway", [SlowGateway, RefusingGateway])
def test_one_request_causes_few_texts_in_a_day(ada, settings, gateway):
    """A day of one verification, each attempt made as soon as it is due."""
    settings.CRUDAUTH_CHANNELS = [f"{__name__}.{gateway.__name__}"]
    settings.CRUDAUTH_DISPATCHER = "tests.support.dispatchers.RecordingDispatcher"
    RecordingDispatcher.messages.clear()
    gateway.handed_over.clear()
    Browser().post("/email/verify-request", {"phone": VALUE})
    (message,) = RecordingDispatcher.messages
    started = time.time()

    while message is not None:
        with time_machine.travel(max(message.due_at, time.time())):
            message = deliver_message(message)

    early = [at for at in gateway.handed_over if at < started + 15 * 60]
    texts = len(gateway.handed_over)
    assert len(early) <= 5
    assert texts == (2 if gateway is SlowGateway else 10)
    assert LoggedDelivery.objects.get().outcome == "gave_up"


def test_each_message_held_back_is_in_the_log(ada):
    request_resets(8)
    request_resets(3, "+12125550000")

    rows = LoggedDelivery.objects.order_by("pk").values_list("outcome", "code")
    assert list(rows) == [("delivered", "")] * 5 + [("held_back", "target_budget")] * 3


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def live_site(request, databases, tmp_path_factory):
    with site(
        "gunicorn-threads",
        database=databases.fresh(request.param),
        folder=tmp_path_factory.mktemp("site"),
    ) as running:
        yield running


def kinds_sent(live_site: Site, value: str) -> list[str]:
    return [m["kind"] for m in live_site.messages() if m["recipient"] == value]


@pytest.mark.slow
def test_thief_cannot_silence_old_number(live_site):
    person, new = new_user(), new_user().phone
    live_site.register(person)
    token = live_site.token("verify_recovery", person.phone)
    live_site.post("/email/verify-confirm", {"token": token})
    for _ in range(8):
        live_site.post("/password/reset-request", {"phone": person.phone})
    thief = live_site.log_in(person)
    body = {"new_phone": new, "password": PASSWORD}

    live_site.post("/email/change-request", body, session=thief)
    token = live_site.token("change_recovery", new)
    live_site.post("/email/change-confirm", {"token": token}, session=thief)
    changed = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    response = live_site.post("/change-password", changed, session=thief)

    assert response.ok
    wanted = {"recovery_changed", "password_changed"}
    eventually(lambda: wanted <= set(kinds_sent(live_site, person.phone)))
    assert kinds_sent(live_site, person.phone).count("reset_password") == 4


@pytest.mark.slow
def test_strangers_registrations_leave_owner_a_verification(live_site):
    number = new_user().phone
    for _ in range(6):
        live_site.register(NewUser(username=new_user().username, phone=number))
    eventually(lambda: len(kinds_sent(live_site, number)) == 2)

    live_site.post("/email/verify-request", {"phone": number})

    eventually(lambda: len(kinds_sent(live_site, number)) == 3)
