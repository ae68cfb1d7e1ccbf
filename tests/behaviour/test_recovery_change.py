"""Changing the recovery value of an account."""

from http import HTTPStatus

import pytest

from crudauth_django.security.redemption import CHANGE
from crudauth_django.security.tokens import read_token
from crudauth_django.users import user_shape
from tests.support.client import NEW_PASSWORD, PASSWORD, Browser
from tests.support.people import can_claim, is_verified
from tests.support.statements import LOCK, user_table_statements

pytestmark = [pytest.mark.django_db, pytest.mark.needs_factor]


def confirm(token, browser=None):
    return (browser or Browser()).post("/email/change-confirm", {"token": token})


@pytest.fixture
def account(verified_ada):
    return verified_ada.account


def test_change_applies_when_new_value_is_verified(verified_ada, account, bob, outbox):
    requested = verified_ada.request_change(bob.typed(user_shape().recovery_factor))
    (message,) = outbox
    shown = verified_ada.browser.get("/me").data

    response = confirm(message.token, verified_ada.browser)

    account.refresh_from_db()
    assert requested.status_code == HTTPStatus.OK
    assert (message.kind, message.recipient) == ("change_recovery", bob.factor)
    assert shown[user_shape().factor] == verified_ada.factor
    assert response.status_code == HTTPStatus.OK
    assert (account.held_value, account.pending_value) == (bob.factor, None)
    assert account.is_recovery_verified


def test_change_notifies_old_value_without_naming_new_value(verified_ada, bob, outbox):
    verified_ada.request_change(bob.factor)
    before = [m.recipient for m in outbox]

    confirm(outbox[-1].token)

    notice = outbox[-1]
    assert before == [bob.factor]
    assert (notice.kind, notice.token) == ("recovery_changed", None)
    assert notice.recipient == verified_ada.factor
    assert bob.factor not in notice.account


def test_change_of_unverified_value_sends_no_notice(unverified_ada, bob, outbox):
    unverified_ada.request_change(bob.factor)

    confirm(outbox[-1].token)

    assert [m.kind for m in outbox] == ["change_recovery"]


def test_message_to_new_value_does_not_name_old_value(verified_ada, bob, outbox):
    verified_ada.request_change(bob.factor)

    assert verified_ada.factor not in outbox[-1].account


def test_change_ends_every_session_but_the_confirming_one(verified_ada, bob, outbox):
    elsewhere = Browser()
    elsewhere.log_in(verified_ada.own_identifier)
    verified_ada.request_change(bob.factor)

    confirm(outbox[-1].token, verified_ada.browser)

    assert verified_ada.browser.get("/me").data[user_shape().factor] == bob.factor
    assert elsewhere.get("/me").status_code == HTTPStatus.UNAUTHORIZED


def test_change_voids_every_older_token(verified_ada, bob, eve, outbox):
    verified_ada.request("/password/reset-request", verified_ada.factor)
    verified_ada.request_change(eve.factor)
    verified_ada.request_change(bob.factor)
    reset, to_eve, to_bob = (message.token for message in outbox)
    confirm(to_bob)

    responses = [
        confirm(to_eve),
        confirm(to_bob),
        Browser().post(
            "/password/reset-confirm", {"token": reset, "new_password": NEW_PASSWORD}
        ),
    ]

    assert {a.status_code for a in responses} == {HTTPStatus.BAD_REQUEST}
    assert {a.data["code"] for a in responses} == {"invalid_token"}


@pytest.mark.parametrize("password", ["not the password", "", None])
def test_change_request_without_password_is_refused(
    verified_ada, account, bob, outbox, password
):
    response = verified_ada.request_change(bob.factor, password)

    account.refresh_from_db()
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert list(response.data) == ["password"]
    assert account.pending_value is None
    assert outbox == []


def test_wrong_passwords_in_change_requests_lock_device(verified_ada, bob, outbox):
    for _guess in range(5):
        verified_ada.request_change(bob.factor, "not the password")

    response = verified_ada.request_change(bob.factor)

    assert response.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert int(response["Retry-After"]) > 0
    login = verified_ada.browser.log_in(verified_ada.own_identifier)
    assert login.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert outbox == []


def test_change_request_without_session_is_refused(verified_ada, bob, outbox):
    body = {f"new_{user_shape().factor}": bob.factor, "password": "x"}

    response = Browser().post("/email/change-request", body)

    assert response.status_code == HTTPStatus.UNAUTHORIZED
    assert outbox == []


def test_change_request_without_csrf_token_is_refused(verified_ada, bob, outbox):
    verified_ada.browser.csrf_token = ""

    response = verified_ada.request_change(bob.factor)

    assert response.status_code == HTTPStatus.FORBIDDEN
    assert outbox == []


def test_change_to_current_value_is_refused(verified_ada, outbox):
    response = verified_ada.request_change(
        verified_ada.typed(user_shape().recovery_factor)
    )

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert list(response.data) == [f"new_{user_shape().factor}"]
    assert outbox == []


@pytest.mark.parametrize("value", [None, "", " ", 7, [], "\x00", "a\u202eb", "x" * 999])
def test_change_to_malformed_value_is_refused(verified_ada, outbox, value):
    response = verified_ada.request_change(value)

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert list(response.data) == [f"new_{user_shape().factor}"]
    assert outbox == []


def test_change_request_gets_same_response_for_held_value(verified_ada, bob, eve):
    bob.register()

    free = verified_ada.request_change(eve.factor)
    taken = verified_ada.request_change(bob.factor)

    assert (free.status_code, free.data) == (taken.status_code, taken.data)


def test_change_request_for_verified_value_notifies_holder(verified_ada, bob, outbox):
    bob.register()
    Browser().post("/email/verify-confirm", {"token": outbox[-1].token})
    outbox.clear()

    verified_ada.request_change(bob.factor)

    (notice,) = outbox
    assert (notice.kind, notice.token) == ("existing_account", None)
    assert notice.recipient == bob.factor
    assert is_verified(bob)


def test_change_to_value_verified_meanwhile_is_refused(
    verified_ada, account, bob, outbox
):
    verified_ada.request_change(bob.factor)
    token = outbox[-1].token
    bob.register()
    Browser().verify(outbox[-1].token, PASSWORD)
    outbox.clear()

    response = confirm(token, verified_ada.browser)

    account.refresh_from_db()
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert response.data["code"] == "invalid_token"
    assert (account.held_value, is_verified(verified_ada)) == (
        verified_ada.factor,
        True,
    )
    assert (bob.account.held_value, is_verified(bob)) == (bob.factor, True)
    assert outbox == []
    assert verified_ada.browser.get("/me").status_code == HTTPStatus.OK


def test_change_transfers_unverified_value_if_shape_allows(
    verified_ada, account, bob, outbox
):
    bob.register()
    holder_before = bob.account
    outbox.clear()
    verified_ada.request_change(bob.factor)

    response = confirm(outbox[-1].token, verified_ada.browser)

    account.refresh_from_db()
    holder_before.refresh_from_db()
    owner, other = (account, holder_before) if can_claim() else (holder_before, account)
    assert (response.status_code == HTTPStatus.OK) is can_claim()
    assert owner.held_value == bob.factor
    assert other.held_value != bob.factor


def test_change_token_read_twice_is_redeemed_once(verified_ada, bob, outbox):
    verified_ada.request_change(bob.factor)
    readers = [read_token(CHANGE.purpose, outbox[-1].token) for _ in range(2)]

    results = [CHANGE.update(reader, {}) for reader in readers]

    assert results == [True, False]


@pytest.mark.parametrize(
    "change", ["deactivated", "deleted", "new password", "new request"]
)
def test_account_update_voids_change_token(
    verified_ada, account, bob, eve, outbox, change
):
    verified_ada.request_change(bob.factor)
    token = outbox[-1].token

    if change == "deleted":
        account.delete()
    elif change == "new request":
        verified_ada.request_change(eve.factor)
    else:
        account.refresh_from_db()
        account.is_active = change != "deactivated"
        account.set_password(NEW_PASSWORD)
        account.save()
    response = confirm(token)

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert response.data["code"] == "invalid_token"


def test_change_back_to_unverified_value_sends_message(unverified_ada, bob, outbox):
    unverified_ada.request_change(bob.factor)

    response = unverified_ada.request_change(unverified_ada.factor)

    assert response.status_code == HTTPStatus.OK
    assert outbox[-1].recipient == unverified_ada.factor
    assert unverified_ada.account.recovery_value == unverified_ada.factor


def test_change_confirmation_runs_expected_statements(
    verified_ada, bob, outbox, settings
):
    verified_ada.request_change(bob.factor)
    settings.CRUDAUTH_DISPATCHER = "tests.support.dispatchers.DiscardingDispatcher"

    with user_table_statements() as statements:
        response = confirm(outbox[-1].token)

    transfer = ["UPDATE"] * can_claim()
    assert response.status_code == HTTPStatus.OK
    # The second statement looks for other accounts with the value.
    assert statements == ["SELECT", "SELECT", *LOCK, *transfer, "UPDATE"]


def test_repeated_change_request_sends_second_message(verified_ada, bob, outbox):
    for _time in range(2):
        verified_ada.request_change(bob.factor)

    assert [m.recipient for m in outbox] == [bob.factor] * 2
    assert confirm(outbox[0].token).status_code == HTTPStatus.OK
