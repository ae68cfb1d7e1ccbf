"""Shapes with the recovery value as the only identifier: one account per value."""

from http import HTTPStatus

import pytest

from crudauth_django.users import user_model
from tests.support.client import NEW_PASSWORD, Browser
from tests.support.people import is_verified

pytestmark = [pytest.mark.django_db, pytest.mark.needs_no_claims]

OTHER_PASSWORD = "a password of another"


def test_held_value_gets_same_response_and_creates_nothing(unverified_ada, bob, eve):
    free = bob.register()
    taken = eve.register_with_factor_of(unverified_ada)

    assert (taken.status_code, taken.data) == (free.status_code, free.data)
    assert taken.status_code == HTTPStatus.ACCEPTED
    assert user_model().objects.count() == 2


def test_verified_holder_gets_notice(verified_ada, eve, outbox):
    eve.register(**verified_ada.values, password=OTHER_PASSWORD)

    (notice,) = outbox
    assert (notice.kind, notice.token) == ("existing_account", None)
    assert notice.recipient == verified_ada.factor
    assert verified_ada.log_in(OTHER_PASSWORD).status_code == HTTPStatus.UNAUTHORIZED


def test_registration_with_unverified_value_sends_reset(unverified_ada, eve, outbox):
    holder = unverified_ada
    eve.register(**holder.values, password=OTHER_PASSWORD)
    (message,) = outbox

    response = Browser().post(
        "/password/reset-confirm",
        {"token": message.token, "new_password": NEW_PASSWORD},
    )

    assert (message.kind, message.recipient) == ("reset_password", holder.factor)
    assert response.status_code == HTTPStatus.OK
    assert is_verified(holder)
    assert holder.browser.get("/me").status_code == HTTPStatus.UNAUTHORIZED
    assert holder.log_in(NEW_PASSWORD).status_code == HTTPStatus.OK


def test_default_login_hides_held_value(verified_ada, bob, settings):
    settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = None
    bob.register(password=OTHER_PASSWORD)
    Browser().post("/register", {**verified_ada.values, "password": OTHER_PASSWORD})

    logins = [
        Browser().log_in(p.own_identifier, OTHER_PASSWORD) for p in (bob, verified_ada)
    ]

    assert [a.status_code for a in logins] == [HTTPStatus.UNAUTHORIZED] * 2
    assert logins[0].data == logins[1].data


def test_change_to_other_accounts_identifier_is_refused(verified_ada, bob, outbox):
    bob.register()
    outbox.clear()
    verified_ada.request_change(bob.factor)

    response = verified_ada.browser.confirm_change(outbox[-1].token)

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert response.data["code"] == "invalid_token"
    assert verified_ada.account.held_value == verified_ada.factor
    assert bob.account.held_value == bob.factor


def test_default_login_accepts_verified_account_only(ada, outbox, settings):
    settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = None
    ada.register()

    before = ada.log_in()
    ada.browser.verify(outbox[-1].token)
    after = ada.log_in()

    assert before.status_code == HTTPStatus.UNAUTHORIZED
    assert after.status_code == HTTPStatus.OK
