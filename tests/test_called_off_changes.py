"""Whoever took an account back has taken back what was asked for, too."""

from __future__ import annotations

import pytest

from crudauth_django.exceptions import InvalidCredentials
from crudauth_django.flows import accounts, recovery
from crudauth_django.flows.delivery import deliver
from crudauth_django.flows.purposes import RESET
from crudauth_django.identity import user_model
from crudauth_django.questions import Question
from crudauth_django.tokens import make_token
from tests.conftest import NEW_PASSWORD, PASSWORD

pytestmark = pytest.mark.django_db
THIEFS = "+12125552399"


@pytest.fixture
def robbed(ada):
    """Ada, verified, after a thief who knows the password asked for a change."""
    user_model().objects.filter(pk=ada.pk).update(phone_verified=True)
    ada.refresh_from_db()
    recovery.request_change(user=ada, value=THIEFS, password=PASSWORD)
    ada.refresh_from_db()
    return ada


def late_question(user) -> Question:
    """The thief's request, still waiting in a queue."""
    return Question(kind="change_recovery", value=THIEFS, key=str(user.pk))


def by_reset(user):
    token = make_token(RESET.purpose, user)
    recovery.confirm_reset(token=token, new_password=NEW_PASSWORD)


def by_saving_a_password(user):
    user.set_password(NEW_PASSWORD)
    user.save()


def by_signing_out_everywhere(user):
    accounts.end_all_sessions(user=user)


@pytest.mark.parametrize(
    "take_back", [by_reset, by_saving_a_password, by_signing_out_everywhere]
)
def test_a_change_that_waits_is_off(robbed, outbox, take_back):
    take_back(robbed)
    outbox.clear()

    deliver(late_question(robbed), lambda _rest: None)

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

    deliver(late_question(robbed), lambda _rest: None)

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
        recovery.request_change(user=stale, value=THIEFS, password=PASSWORD)

    ada.refresh_from_db()
    assert ada.phone_pending is None
