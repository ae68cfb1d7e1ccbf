"""Claims: several accounts with one recovery value, which at most one holds."""

from http import HTTPStatus

import pytest

from crudauth_django.checks.shape import check_claims
from crudauth_django.identity.normalize import to_text
from crudauth_django.users import field_of, user_model, user_shape
from tests.support.client import PASSWORD, Browser
from tests.support.people import is_verified, shown_identifier
from tests.support.statements import LOCK, user_table_statements

pytestmark = [pytest.mark.django_db, pytest.mark.needs_claims]


def confirm(token):
    """Open the link as the account's owner: another account has the value, too."""
    return Browser().verify(token, PASSWORD)


def test_held_value_is_claimed_with_same_response(unverified_ada, bob, eve, outbox):
    free = bob.register()
    taken = eve.register_with_factor_of(unverified_ada)

    assert (taken.status_code, taken.data) == (free.status_code, free.data)
    assert eve.account.held_value is None
    assert eve.account.pending_value == unverified_ada.factor
    assert unverified_ada.account.held_value == unverified_ada.factor


def test_second_account_gets_same_account_data_as_first(verified_ada, bob, eve):
    bob.register()
    eve.register_with_factor_of(verified_ada)

    logins, accounts = [], []
    for person in (bob, eve):
        logins.append(person.log_in())
        accounts.append(person.browser.get("/me").data)

    assert [a.status_code for a in logins] == [HTTPStatus.OK] * 2
    assert [sorted(a.data) for a in logins] == [sorted(logins[0].data)] * 2
    assert accounts[1] == {
        **accounts[0],
        **eve.values,
        "id": eve.account.pk,
        user_shape().factor: verified_ada.factor,
    }


def test_second_account_gets_same_login_name_as_first(verified_ada, eve):
    eve.register_with_factor_of(verified_ada)
    values = {**eve.values, user_shape().factor: verified_ada.factor}

    response = eve.log_in()

    assert response.data["username"] == values[user_shape().identifiers[0]]


@pytest.mark.parametrize("path", ["/email/verify-request", "/password/reset-request"])
def test_second_account_gets_same_responses_as_first(verified_ada, bob, eve, path):
    bob.register()
    eve.register_with_factor_of(verified_ada)
    bob.log_in()
    eve.log_in()

    free, taken = bob.request(path, bob.factor), eve.request(path, verified_ada.factor)

    assert (free.status_code, free.data) == (taken.status_code, taken.data)


def test_verified_holder_gets_notice_and_stays_verified(verified_ada, eve, outbox):
    eve.register_with_factor_of(verified_ada)
    eve.log_in()
    eve.request("/email/verify-request", verified_ada.factor)
    Browser().post("/email/verify-request", {user_shape().factor: verified_ada.factor})

    (notice,) = outbox
    assert (notice.kind, notice.token) == ("existing_account", None)
    assert notice.recipient == verified_ada.factor
    assert notice.account == verified_ada.stored(shown_identifier())
    assert is_verified(verified_ada)


def test_reset_request_for_claimed_value_serves_holder(verified_ada, eve, outbox):
    eve.register_with_factor_of(verified_ada)
    outbox.clear()

    eve.request("/password/reset-request", verified_ada.factor)

    (message,) = outbox
    assert message.account == verified_ada.stored(shown_identifier())


@pytest.mark.parametrize("held", [False, True])
def test_verifying_claim_runs_same_statements_for_held_value(
    bob, eve, outbox, settings, held
):
    bob.register()
    eve.register_with_factor_of(bob)
    token = outbox[-1].token
    if not held:
        bob.account.delete()
    settings.CRUDAUTH_DISPATCHER = "tests.support.dispatchers.DiscardingDispatcher"

    with user_table_statements() as statements:
        response = confirm(token)

    assert response.status_code == HTTPStatus.OK
    assert statements == ["SELECT", *LOCK, "UPDATE", "UPDATE"]


def test_verifying_takes_value_from_unverified_holder(unverified_ada, eve, outbox):
    squatter = unverified_ada
    before = squatter.browser.get("/me").data
    eve.register_with_factor_of(squatter)

    response = confirm(outbox[-1].token)

    assert response.status_code == HTTPStatus.OK
    assert (eve.account.held_value, eve.account.pending_value) == (
        squatter.factor,
        None,
    )
    assert is_verified(eve)
    assert squatter.account.held_value is None
    assert squatter.browser.get("/me").data == before


def test_claimants_token_fails_after_holder_has_verified(ada, eve, outbox):
    ada.register()
    holders_token = outbox[-1].token
    eve.register_with_factor_of(ada)
    claimants_token = outbox[-1].token
    confirm(holders_token)

    response = confirm(claimants_token)

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert response.data["code"] == "invalid_token"
    assert is_verified(ada)
    assert not is_verified(eve)
    assert eve.account.pending_value == ada.factor


def test_request_without_session_serves_holder_first(ada, bob, eve, outbox):
    ada.register()
    bob.register_with_factor_of(ada)
    eve.register_with_factor_of(ada)
    outbox.clear()

    Browser().post("/email/verify-request", {user_shape().factor: ada.factor})
    confirm(outbox[-1].token)

    assert [is_verified(person) for person in (ada, bob, eve)] == [True, False, False]


@pytest.mark.parametrize("name", ["ada", "bob", "eve"])
def test_request_with_session_serves_signed_in_claimant(request, ada, outbox, name):
    people = [request.getfixturevalue(each) for each in ("ada", "bob", "eve")]
    for person in people:
        person.register_with_factor_of(ada)
    signed_in = request.getfixturevalue(name)
    signed_in.log_in()
    outbox.clear()

    signed_in.request("/email/verify-request", ada.factor)
    confirm(outbox[-1].token)

    assert [person for person in people if is_verified(person)] == [signed_in]


def test_request_with_session_can_serve_other_account(verified_ada, bob, outbox):
    bob.register()
    outbox.clear()

    verified_ada.request("/email/verify-request", bob.factor)

    assert [m.recipient for m in outbox] == [bob.factor]
    assert outbox[0].account == bob.stored(shown_identifier())


def test_claim_on_inactive_holders_value_sends_no_message(verified_ada, eve, outbox):
    account = verified_ada.account
    account.is_active = False
    account.save()

    response = eve.register_with_factor_of(verified_ada)

    assert response.status_code == HTTPStatus.ACCEPTED
    assert outbox == []


def test_repeated_registration_gets_same_response_for_claim(verified_ada, bob, eve):
    firsts = [bob.register(), eve.register_with_factor_of(verified_ada)]

    seconds = [bob.register(), eve.register_with_factor_of(verified_ada)]

    assert firsts[0].data == firsts[1].data
    assert (seconds[0].status_code, seconds[0].data) == (
        seconds[1].status_code,
        seconds[1].data,
    )
    assert user_model().objects.count() == 3


def test_login_requiring_verified_refuses_every_identifier(
    verified_ada, bob, eve, settings
):
    settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = True
    bob.register()
    eve.register_with_factor_of(verified_ada)

    logins = [
        Browser().log_in(value)
        for value in (bob.own_identifier, eve.own_identifier, bob.factor)
    ]

    assert {a.status_code for a in logins} == {HTTPStatus.UNAUTHORIZED}


def test_three_claimants_leave_one_verified_holder(ada, bob, eve, outbox):
    for person in (ada, bob, eve):
        person.register_with_factor_of(ada)
    for message in list(outbox):
        confirm(message.token)

    holders = [p for p in (ada, bob, eve) if p.account.held_value == ada.factor]

    assert len(holders) == 1
    assert [p for p in (ada, bob, eve) if is_verified(p)] == holders
    shown = {to_text(p.account.recovery_value) for p in (ada, bob, eve)}
    assert shown == {ada.factor}


def test_check_warns_if_factor_is_not_nullable(monkeypatch):
    with_nullable_factor = check_claims()

    monkeypatch.setattr(field_of(user_shape().recovery_factor), "null", False)

    expected = ["crudauth.W006"] * (len(user_shape().identifiers) > 1)
    assert with_nullable_factor == []
    assert [problem.id for problem in check_claims()] == expected
