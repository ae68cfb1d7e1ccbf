"""Where the recovery value is the only way in, there can't be a second account."""

from http import HTTPStatus

import pytest

from crudauth_django.users import user_model
from tests.support.client import NEW_PASSWORD, Browser
from tests.support.people import is_verified

pytestmark = [pytest.mark.django_db, pytest.mark.needs_no_claims]

THEIRS = "a password of another"


def test_a_taken_value_is_answered_as_a_free_one_and_creates_nothing(
    unverified_ada, bob, eve
):
    free = bob.register()
    taken = eve.register_with_factor_of(unverified_ada)

    assert (taken.status_code, taken.data) == (free.status_code, free.data)
    assert taken.status_code == HTTPStatus.ACCEPTED
    assert user_model().objects.count() == 2


def test_a_verified_holder_gets_a_notice(verified_ada, eve, outbox):
    eve.register(**verified_ada.values, password=THEIRS)

    (notice,) = outbox
    assert (notice.kind, notice.token) == ("existing_account", None)
    assert notice.recipient == verified_ada.factor
    assert verified_ada.log_in(THEIRS).status_code == HTTPStatus.UNAUTHORIZED


def test_who_controls_an_unverified_value_gets_a_reset(unverified_ada, eve, outbox):
    squatter = unverified_ada
    eve.register(**squatter.values, password=THEIRS)
    (message,) = outbox

    answer = Browser().post(
        "/password/reset-confirm",
        {"token": message.token, "new_password": NEW_PASSWORD},
    )

    assert (message.kind, message.recipient) == ("reset_password", squatter.factor)
    assert answer.status_code == HTTPStatus.OK
    assert is_verified(squatter)
    assert squatter.browser.get("/me").status_code == HTTPStatus.UNAUTHORIZED
    assert squatter.log_in(NEW_PASSWORD).status_code == HTTPStatus.OK


def test_where_logins_have_to_be_verified_a_login_tells_nothing(
    verified_ada, bob, settings
):
    settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = True
    bob.register(password=THEIRS)
    Browser().post("/register", {**verified_ada.values, "password": THEIRS})

    logins = [Browser().log_in(p.own_identifier, THEIRS) for p in (bob, verified_ada)]

    assert [a.status_code for a in logins] == [HTTPStatus.UNAUTHORIZED] * 2
    assert logins[0].data == logins[1].data


def test_a_value_that_somebody_else_logs_in_with_cannot_be_moved_to(
    verified_ada, bob, outbox
):
    bob.register()
    outbox.clear()
    verified_ada.ask_for_change(bob.factor)

    answer = Browser().post("/email/change-confirm", {"token": outbox[-1].token})

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert answer.data["code"] == "invalid_token"
    assert verified_ada.account.held_value == verified_ada.factor
    assert bob.account.held_value == bob.factor
