"""Moving an account to another recovery value."""

from http import HTTPStatus

import pytest

from crudauth_django.security.redemption import CHANGE
from crudauth_django.security.tokens import read_token
from crudauth_django.users import user_shape
from tests.behaviour.people import Browser, can_claim, is_verified
from tests.behaviour.statements import LOCK, told_to_the_user_table
from tests.conftest import NEW_PASSWORD

pytestmark = pytest.mark.django_db


def confirm(token, browser=None):
    return (browser or Browser()).post("/email/change-confirm", {"token": token})


@pytest.fixture
def account(verified_ada):
    return verified_ada.account


def test_a_change_takes_effect_when_the_new_value_is_proven(
    verified_ada, account, bob, outbox
):
    asked = verified_ada.ask_for_change(bob.typed(user_shape().recovery_factor))
    (message,) = outbox
    shown = verified_ada.browser.get("/me").data

    answer = confirm(message.token, verified_ada.browser)

    account.refresh_from_db()
    assert asked.status_code == HTTPStatus.OK
    assert (message.kind, message.recipient) == ("change_recovery", bob.factor)
    assert shown[user_shape().factor] == verified_ada.factor
    assert answer.status_code == HTTPStatus.OK
    assert (account.held_value, account.pending_value) == (bob.factor, None)
    assert account.is_recovery_verified


def test_the_old_value_is_told_after_the_change_and_the_new_one_not_named(
    verified_ada, bob, outbox
):
    verified_ada.ask_for_change(bob.factor)
    before = [m.recipient for m in outbox]

    confirm(outbox[-1].token)

    notice = outbox[-1]
    assert before == [bob.factor]
    assert (notice.kind, notice.token) == ("recovery_changed", None)
    assert notice.recipient == verified_ada.factor
    assert bob.factor not in notice.account


def test_an_unproven_old_value_is_told_nothing(unverified_ada, bob, outbox):
    unverified_ada.ask_for_change(bob.factor)

    confirm(outbox[-1].token)

    assert [m.kind for m in outbox] == ["change_recovery"]


def test_the_message_to_the_new_value_does_not_name_the_old(verified_ada, bob, outbox):
    verified_ada.ask_for_change(bob.factor)

    assert verified_ada.factor not in outbox[-1].account


def test_other_sessions_end_and_the_one_that_confirms_goes_on(
    verified_ada, bob, outbox
):
    elsewhere = Browser()
    elsewhere.log_in(verified_ada.own_identifier)
    verified_ada.ask_for_change(bob.factor)

    confirm(outbox[-1].token, verified_ada.browser)

    assert verified_ada.browser.get("/me").data[user_shape().factor] == bob.factor
    assert elsewhere.get("/me").status_code == HTTPStatus.UNAUTHORIZED


def test_a_change_kills_every_older_token(verified_ada, bob, eve, outbox):
    verified_ada.ask("/password/reset-request", verified_ada.factor)
    verified_ada.ask_for_change(eve.factor)
    verified_ada.ask_for_change(bob.factor)
    reset, to_eve, to_bob = (message.token for message in outbox)
    confirm(to_bob)

    answers = [
        confirm(to_eve),
        confirm(to_bob),
        Browser().post(
            "/password/reset-confirm", {"token": reset, "new_password": NEW_PASSWORD}
        ),
    ]

    assert {a.status_code for a in answers} == {HTTPStatus.BAD_REQUEST}
    assert {a.data["code"] for a in answers} == {"invalid_token"}


@pytest.mark.parametrize("password", ["not the password", "", None])
def test_without_the_password_nothing_is_asked(
    verified_ada, account, bob, outbox, password
):
    answer = verified_ada.ask_for_change(bob.factor, password)

    account.refresh_from_db()
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert list(answer.data) == ["password"]
    assert account.pending_value is None
    assert outbox == []


def test_guessing_the_password_here_locks_the_account(verified_ada, bob, outbox):
    for _guess in range(5):
        verified_ada.ask_for_change(bob.factor, "not the password")

    answer = verified_ada.ask_for_change(bob.factor)

    assert answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert int(answer["Retry-After"]) > 0
    assert Browser().log_in(verified_ada.own_identifier).status_code != HTTPStatus.OK
    assert outbox == []


def test_strangers_change_nothing(verified_ada, bob, outbox):
    body = {f"new_{user_shape().factor}": bob.factor, "password": "x"}

    answer = Browser().post("/email/change-request", body)

    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert outbox == []


def test_another_site_changes_nothing(verified_ada, bob, outbox):
    verified_ada.browser.token = ""

    answer = verified_ada.ask_for_change(bob.factor)

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert outbox == []


def test_a_change_to_what_one_has_is_refused(verified_ada, outbox):
    answer = verified_ada.ask_for_change(
        verified_ada.typed(user_shape().recovery_factor)
    )

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert list(answer.data) == [f"new_{user_shape().factor}"]
    assert outbox == []


@pytest.mark.parametrize("value", [None, "", " ", 7, [], "\x00", "a\u202eb", "x" * 999])
def test_a_change_to_what_is_no_value_is_refused_by_name(verified_ada, outbox, value):
    answer = verified_ada.ask_for_change(value)

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert list(answer.data) == [f"new_{user_shape().factor}"]
    assert outbox == []


def test_a_request_for_a_held_value_is_answered_like_any(verified_ada, bob, eve):
    bob.register()

    free = verified_ada.ask_for_change(eve.factor)
    taken = verified_ada.ask_for_change(bob.factor)

    assert (free.status_code, free.data) == (taken.status_code, taken.data)


def test_a_verified_holder_of_the_new_value_gets_a_notice_and_keeps_it(
    verified_ada, bob, outbox
):
    bob.register()
    Browser().post("/email/verify-confirm", {"token": outbox[-1].token})
    outbox.clear()

    verified_ada.ask_for_change(bob.factor)

    (notice,) = outbox
    assert (notice.kind, notice.token) == ("existing_account", None)
    assert notice.recipient == bob.factor
    assert is_verified(bob)


def test_a_value_taken_meanwhile_is_one_generic_refusal(
    verified_ada, account, bob, outbox
):
    verified_ada.ask_for_change(bob.factor)
    token = outbox[-1].token
    bob.register()
    Browser().post("/email/verify-confirm", {"token": outbox[-1].token})
    outbox.clear()

    answer = confirm(token, verified_ada.browser)

    account.refresh_from_db()
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert answer.data["code"] == "invalid_token"
    assert (account.held_value, is_verified(verified_ada)) == (
        verified_ada.factor,
        True,
    )
    assert (bob.account.held_value, is_verified(bob)) == (bob.factor, True)
    assert outbox == []
    assert verified_ada.browser.get("/me").status_code == HTTPStatus.OK


def test_an_unverified_holder_loses_it_where_there_can_be_an_account_without(
    verified_ada, account, bob, outbox
):
    bob.register()
    squatter = bob.account
    outbox.clear()
    verified_ada.ask_for_change(bob.factor)

    answer = confirm(outbox[-1].token)

    account.refresh_from_db()
    squatter.refresh_from_db()
    holder, other = (account, squatter) if can_claim() else (squatter, account)
    assert (answer.status_code == HTTPStatus.OK) is can_claim()
    assert holder.held_value == bob.factor
    assert other.held_value != bob.factor


def test_of_two_that_read_one_token_one_changes(verified_ada, bob, outbox):
    verified_ada.ask_for_change(bob.factor)
    readers = [read_token(CHANGE.purpose, outbox[-1].token) for _ in range(2)]

    won = [CHANGE.update(reader, {}) for reader in readers]

    assert won == [True, False]


@pytest.mark.parametrize("change", ["closed", "deleted", "new password", "asked anew"])
def test_what_happens_meanwhile_voids_the_change(
    verified_ada, account, bob, eve, outbox, change
):
    verified_ada.ask_for_change(bob.factor)
    token = outbox[-1].token

    if change == "deleted":
        account.delete()
    elif change == "asked anew":
        verified_ada.ask_for_change(eve.factor)
    else:
        account.refresh_from_db()
        account.is_active = change != "closed"
        account.set_password(NEW_PASSWORD)
        account.save()
    answer = confirm(token)

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert answer.data["code"] == "invalid_token"


def test_who_asks_back_for_an_unproven_value_can_prove_it(unverified_ada, bob, outbox):
    unverified_ada.ask_for_change(bob.factor)

    answer = unverified_ada.ask_for_change(unverified_ada.factor)

    assert answer.status_code == HTTPStatus.OK
    assert outbox[-1].recipient == unverified_ada.factor
    assert unverified_ada.account.recovery_value == unverified_ada.factor


def test_a_change_is_so_many_statements(verified_ada, bob, outbox, settings):
    verified_ada.ask_for_change(bob.factor)
    settings.CRUDAUTH_DISPATCHER = "tests.attacks.discarding.DiscardingDispatcher"

    with told_to_the_user_table() as told:
        answer = confirm(outbox[-1].token)

    take = ["UPDATE"] * can_claim()
    assert answer.status_code == HTTPStatus.OK
    assert told == ["SELECT", *LOCK, *take, "UPDATE"]


def test_a_change_that_was_asked_for_can_be_asked_for_again(verified_ada, bob, outbox):
    for _time in range(2):
        verified_ada.ask_for_change(bob.factor)

    assert [m.recipient for m in outbox] == [bob.factor] * 2
    assert confirm(outbox[0].token).status_code == HTTPStatus.OK
