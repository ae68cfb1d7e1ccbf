"""A change that a thief requested is void once the owner has the account back."""

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
VALUE_OF_THIEF = "+12125552399"


@pytest.fixture
def ada_with_claim_of_thief(ada):
    """Ada, verified; a thief with the password has requested a change."""
    user_model().objects.filter(pk=ada.pk).update(phone_verified=True)
    ada.refresh_from_db()
    changes.request_change(user=ada, value=VALUE_OF_THIEF, password=PASSWORD)
    ada.refresh_from_db()
    return ada


def late_message(user) -> PendingMessage:
    """The thief's request, still waiting in a queue."""
    return PendingMessage(
        kind="change_recovery", value=VALUE_OF_THIEF, user_pk=str(user.pk)
    )


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
def test_queued_change_is_void_after_recovery(ada_with_claim_of_thief, outbox, action):
    action(ada_with_claim_of_thief)
    outbox.clear()

    deliver_message(late_message(ada_with_claim_of_thief))

    assert outbox == []
    ada_with_claim_of_thief.refresh_from_db()
    assert ada_with_claim_of_thief.phone_pending is None


def test_queued_change_is_void_after_password_change(
    ada_with_claim_of_thief, api, outbox
):
    api.log_in()
    api.change_password()
    outbox.clear()

    deliver_message(late_message(ada_with_claim_of_thief))

    assert outbox == []


def test_change_request_with_replaced_password_is_refused(ada):
    stale = user_model().objects.get(pk=ada.pk)
    checked = stale.check_password
    # The password is replaced right after it was found right.
    stale.check_password = lambda raw: checked(raw) and replace(ada)

    def replace(user):
        user.set_password(NEW_PASSWORD)
        user.save()
        return True

    with pytest.raises(InvalidCredentials):
        changes.request_change(user=stale, value=VALUE_OF_THIEF, password=PASSWORD)

    ada.refresh_from_db()
    assert ada.phone_pending is None
