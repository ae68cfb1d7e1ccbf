"""Whoever took an account back has taken back what was asked for, too."""

from __future__ import annotations

import pytest

from crudauth_django.delivery.deliver import deliver_message
from crudauth_django.delivery.message import PendingMessage
from crudauth_django.exceptions import InvalidCredentials
from crudauth_django.flows import changes, recovery, sessions
from crudauth_django.security.redemption import RESET
from crudauth_django.security.tokens import make_token
from crudauth_django.users import user_model
from tests.support.client import NEW_PASSWORD, PASSWORD

pytestmark = pytest.mark.django_db
THIEFS = "+12125552399"


@pytest.fixture
def robbed(ada):
    """Ada, verified, after a thief who knows the password asked for a change."""
    user_model().objects.filter(pk=ada.pk).update(phone_verified=True)
    ada.refresh_from_db()
    changes.request_change(user=ada, value=THIEFS, password=PASSWORD)
    ada.refresh_from_db()
    return ada


def late_question(user) -> PendingMessage:
    """The thief's request, still waiting in a queue."""
    return PendingMessage(kind="change_recovery", value=THIEFS, user_pk=str(user.pk))


def by_reset(user):
    token = make_token(RESET.purpose, user)
    recovery.confirm_reset(token=token, new_password=NEW_PASSWORD)


def by_saving_a_password(user):
    user.set_password(NEW_PASSWORD)
    user.save()


def by_signing_out_everywhere(user):
    sessions.end_all_sessions(user=user)


@pytest.mark.parametrize(
    "action", [by_reset, by_saving_a_password, by_signing_out_everywhere]
)
def test_a_change_that_waits_is_off(robbed, outbox, action):
    action(robbed)
    outbox.clear()

    deliver_message(late_question(robbed))

    assert outbox == []
    robbed.refresh_from_db()
    assert robbed.phone_pending is None


def test_a_change_that_waits_is_off_when_its_owner_changes_the_password(
    robbed, api, outbox
):
    body = {"username": "ada", "password": PASSWORD}
    csrf = api.post("/login", body, format="json").json()["csrf_token"]
    api.post(
        "/change-password",
        {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
        format="json",
        headers={"X-CSRFToken": csrf},
    )
    outbox.clear()

    deliver_message(late_question(robbed))

    assert outbox == []


def test_a_change_that_was_asked_for_with_a_password_since_replaced_is_refused(ada):
    stale = user_model().objects.get(pk=ada.pk)
    checked = stale.check_password
    # The password is replaced right after it was found right.
    stale.check_password = lambda raw: checked(raw) and replace(ada)

    def replace(user):
        user.set_password(NEW_PASSWORD)
        user.save()
        return True

    with pytest.raises(InvalidCredentials):
        changes.request_change(user=stale, value=THIEFS, password=PASSWORD)

    ada.refresh_from_db()
    assert ada.phone_pending is None
