"""Two accounts and one recovery value: a claim is not a possession."""

from http import HTTPStatus

import pytest

from crudauth_django.checks.shape import check_claims
from crudauth_django.identity.normalize import to_text
from crudauth_django.users import field_of, user_model, user_shape
from tests.behaviour.people import Browser, is_verified
from tests.behaviour.statements import LOCK, told_to_the_user_table

pytestmark = pytest.mark.django_db


def confirm(token):
    return Browser().post("/email/verify-confirm", {"token": token})


def test_a_held_value_is_claimed_and_nothing_tells(unverified_ada, bob, eve, outbox):
    free = bob.register()
    taken = eve.register_with_factor_of(unverified_ada)

    assert (taken.status_code, taken.data) == (free.status_code, free.data)
    assert eve.account.held_value is None
    assert eve.account.pending_value == unverified_ada.factor
    assert unverified_ada.account.held_value == unverified_ada.factor


def test_the_second_account_sees_what_a_first_would(verified_ada, bob, eve):
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


def test_its_login_names_it_as_it_would_a_first(verified_ada, eve):
    eve.register_with_factor_of(verified_ada)
    values = {**eve.values, user_shape().factor: verified_ada.factor}

    answer = eve.log_in()

    assert answer.data["username"] == values[user_shape().identifiers[0]]


@pytest.mark.parametrize("path", ["/email/verify-request", "/password/reset-request"])
def test_its_requests_are_answered_as_a_firsts_would_be(verified_ada, bob, eve, path):
    bob.register()
    eve.register_with_factor_of(verified_ada)
    bob.log_in()
    eve.log_in()

    free, taken = bob.ask(path, bob.factor), eve.ask(path, verified_ada.factor)

    assert (free.status_code, free.data) == (taken.status_code, taken.data)


def test_a_verified_holder_gets_a_notice_and_loses_nothing(verified_ada, eve, outbox):
    eve.register_with_factor_of(verified_ada)
    eve.log_in()
    eve.ask("/email/verify-request", verified_ada.factor)
    Browser().post("/email/verify-request", {user_shape().factor: verified_ada.factor})

    (notice,) = outbox
    assert (notice.kind, notice.token) == ("existing_account", None)
    assert notice.recipient == verified_ada.factor
    assert notice.account == verified_ada.stored(user_shape().identifiers[0])
    assert is_verified(verified_ada)


def test_a_reset_over_the_value_is_the_holders(verified_ada, eve, outbox):
    eve.register_with_factor_of(verified_ada)
    outbox.clear()

    eve.ask("/password/reset-request", verified_ada.factor)

    (message,) = outbox
    assert message.account == verified_ada.stored(user_shape().identifiers[0])


@pytest.mark.parametrize("held", [False, True])
def test_proving_a_claim_is_so_many_statements_whoever_holds_the_value(
    bob, eve, outbox, settings, held
):
    bob.register()
    eve.register_with_factor_of(bob)
    token = outbox[-1].token
    if not held:
        bob.account.delete()
    settings.CRUDAUTH_DISPATCHER = "tests.attacks.discarding.DiscardingDispatcher"

    with told_to_the_user_table() as told:
        answer = confirm(token)

    assert answer.status_code == HTTPStatus.OK
    assert told == ["SELECT", *LOCK, "UPDATE", "UPDATE"]


def test_who_proves_control_takes_it_from_an_unverified_holder(
    unverified_ada, eve, outbox
):
    squatter = unverified_ada
    before = squatter.browser.get("/me").data
    eve.register_with_factor_of(squatter)

    answer = confirm(outbox[-1].token)

    assert answer.status_code == HTTPStatus.OK
    assert (eve.account.held_value, eve.account.pending_value) == (
        squatter.factor,
        None,
    )
    assert is_verified(eve)
    assert squatter.account.held_value is None
    assert squatter.browser.get("/me").data == before


def test_who_proved_first_is_safe_from_a_claimants_token(ada, eve, outbox):
    ada.register()
    adas_token = outbox[-1].token
    eve.register_with_factor_of(ada)
    eves_token = outbox[-1].token
    confirm(adas_token)

    answer = confirm(eves_token)

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert answer.data["code"] == "invalid_token"
    assert is_verified(ada)
    assert not is_verified(eve)
    assert eve.account.pending_value == ada.factor


def test_of_several_claimants_the_last_is_meant_by_a_stranger(ada, bob, eve, outbox):
    ada.register()
    bob.register_with_factor_of(ada)
    eve.register_with_factor_of(ada)
    outbox.clear()

    Browser().post("/email/verify-request", {user_shape().factor: ada.factor})
    confirm(outbox[-1].token)

    assert [is_verified(person) for person in (ada, bob, eve)] == [False, False, True]


@pytest.mark.parametrize("who", ["ada", "bob", "eve"])
def test_of_several_claimants_the_signed_in_one_is_meant(request, ada, outbox, who):
    people = [request.getfixturevalue(name) for name in ("ada", "bob", "eve")]
    for person in people:
        person.register_with_factor_of(ada)
    asking = request.getfixturevalue(who)
    asking.log_in()
    outbox.clear()

    asking.ask("/email/verify-request", ada.factor)
    confirm(outbox[-1].token)

    assert [person for person in people if is_verified(person)] == [asking]


def test_who_is_signed_in_may_ask_for_another_account_of_theirs(
    verified_ada, bob, outbox
):
    bob.register()
    outbox.clear()

    verified_ada.ask("/email/verify-request", bob.factor)

    assert [m.recipient for m in outbox] == [bob.factor]
    assert outbox[0].account == bob.stored(user_shape().identifiers[0])


def test_a_claim_on_a_closed_accounts_proven_value_gets_no_message(
    verified_ada, eve, outbox
):
    account = verified_ada.account
    account.is_active = False
    account.save()

    answer = eve.register_with_factor_of(verified_ada)

    assert answer.status_code == HTTPStatus.ACCEPTED
    assert outbox == []


def test_registering_the_same_claim_twice_tells_no_more(verified_ada, bob, eve):
    firsts = [bob.register(), eve.register_with_factor_of(verified_ada)]

    seconds = [bob.register(), eve.register_with_factor_of(verified_ada)]

    assert firsts[0].data == firsts[1].data
    assert (seconds[0].status_code, seconds[0].data) == (
        seconds[1].status_code,
        seconds[1].data,
    )
    assert user_model().objects.count() == 3


def test_where_logins_have_to_be_verified_no_identifier_tells(
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


def test_one_account_holds_a_value_whatever_is_tried(ada, bob, eve, outbox):
    for person in (ada, bob, eve):
        person.register_with_factor_of(ada)
    for message in list(outbox):
        confirm(message.token)

    holders = [p for p in (ada, bob, eve) if p.account.held_value == ada.factor]

    assert len(holders) == 1
    assert [p for p in (ada, bob, eve) if is_verified(p)] == holders
    shown = {to_text(p.account.recovery_value) for p in (ada, bob, eve)}
    assert shown == {ada.factor}


def test_a_check_says_where_an_account_could_not_be_without_its_value(monkeypatch):
    right = check_claims()

    monkeypatch.setattr(field_of(user_shape().recovery_factor), "null", False)

    wrong = ["crudauth.W006"] * (len(user_shape().identifiers) > 1)
    assert right == []
    assert [problem.id for problem in check_claims()] == wrong
