"""Verifying and resetting over the recovery factor, whatever it is."""

from http import HTTPStatus

import pytest

from crudauth_django.exceptions import InvalidToken
from crudauth_django.flows import recovery
from crudauth_django.security.redemption import RESET, VERIFY
from crudauth_django.security.tokens import read_token
from crudauth_django.users import user_shape
from tests.behaviour.people import Browser, is_verified
from tests.behaviour.statements import told_to_the_user_table
from tests.conftest import NEW_PASSWORD, PASSWORD

pytestmark = pytest.mark.django_db


def test_registration_sends_a_verification_to_the_value(ada, outbox):
    answer = ada.register()

    (message,) = outbox
    assert answer.status_code == HTTPStatus.ACCEPTED
    assert (message.kind, message.recipient) == ("verify_recovery", ada.factor)
    assert message.account == ada.stored(user_shape().identifiers[0])


def test_a_verification_opens_the_gate(unverified_ada, outbox):
    unverified_ada.ask("/email/verify-request", unverified_ada.factor)
    before = unverified_ada.browser.get("/gated-api")

    answer = Browser().post("/email/verify-confirm", {"token": outbox[-1].token})

    assert before.status_code == HTTPStatus.FORBIDDEN
    assert answer.status_code == HTTPStatus.OK
    assert unverified_ada.browser.get("/gated-api").status_code == HTTPStatus.OK
    assert unverified_ada.browser.get("/me").data[user_shape().verified] is True


@pytest.mark.parametrize("path", ["/email/verify-request", "/password/reset-request"])
def test_a_request_takes_every_spelling_and_sends_to_the_one(ada, bob, outbox, path):
    ada.register()
    outbox.clear()

    answers = [
        bob.browser.post(path, {user_shape().factor: text})
        for text in (ada.factor, ada.typed(user_shape().recovery_factor))
    ]

    assert [a.status_code for a in answers] == [HTTPStatus.OK] * 2
    assert [m.recipient for m in outbox] == [ada.factor] * 2


@pytest.mark.parametrize("path", ["/email/verify-request", "/password/reset-request"])
def test_known_and_unknown_values_are_answered_alike(ada, bob, outbox, path):
    ada.register()
    outbox.clear()

    known = ada.ask(path, ada.factor)
    unknown = ada.ask(path, bob.factor)

    assert known.status_code == HTTPStatus.OK
    assert (known.status_code, known.data) == (unknown.status_code, unknown.data)
    assert [m.recipient for m in outbox] == [ada.factor]


def test_who_is_verified_gets_no_verification(verified_ada, outbox):
    answer = verified_ada.ask("/email/verify-request", verified_ada.factor)

    assert answer.status_code == HTTPStatus.OK
    assert outbox == []


def test_a_reset_sets_the_password_and_proves_the_value(unverified_ada, outbox):
    ada = unverified_ada
    ada.ask("/password/reset-request", ada.factor)
    token = outbox[-1].token

    answer = Browser().post(
        "/password/reset-confirm", {"token": token, "new_password": NEW_PASSWORD}
    )

    assert answer.status_code == HTTPStatus.OK
    assert ada.browser.get("/me").status_code == HTTPStatus.UNAUTHORIZED
    assert ada.log_in().status_code == HTTPStatus.UNAUTHORIZED
    assert ada.log_in(NEW_PASSWORD).status_code == HTTPStatus.OK
    assert is_verified(ada)
    assert (outbox[-1].kind, outbox[-1].token) == ("password_changed", None)
    assert outbox[-1].recipient == ada.factor


def test_a_changed_password_is_told_to_who_has_proven_the_value(verified_ada, outbox):
    verified_ada.browser.post(
        "/change-password",
        {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
    )

    assert [(m.kind, m.recipient) for m in outbox] == [
        ("password_changed", verified_ada.factor)
    ]


def test_a_changed_password_is_not_told_to_an_unproven_value(unverified_ada, outbox):
    unverified_ada.browser.post(
        "/change-password",
        {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
    )

    assert outbox == []


def test_a_verification_works_once(ada, outbox):
    ada.register()
    token = outbox[-1].token

    answers = [
        Browser().post("/email/verify-confirm", {"token": token}) for _ in range(2)
    ]

    assert [a.status_code for a in answers] == [HTTPStatus.OK, HTTPStatus.BAD_REQUEST]
    assert answers[1].data["code"] == "invalid_token"


@pytest.mark.parametrize("spent", [VERIFY, RESET], ids=lambda r: r.purpose.kind)
def test_of_two_that_read_one_token_one_spends_it(ada, outbox, spent):
    ada.register()
    ada.ask("/password/reset-request", ada.factor)
    token = next(m.token for m in outbox if m.kind == spent.purpose.kind)
    readers = [read_token(spent.purpose, token) for _ in range(2)]
    columns = {"password": "!"} if spent is RESET else {}

    won = [spent.update(reader, dict(columns)) for reader in readers]

    assert won == [True, False]


def test_a_token_of_one_purpose_is_nothing_to_another(ada, outbox):
    ada.register()
    ada.ask("/password/reset-request", ada.factor)
    verify, reset = (message.token for message in outbox)

    answers = [
        Browser().post("/email/verify-confirm", {"token": reset}),
        Browser().post("/email/change-confirm", {"token": verify}),
        Browser().post(
            "/password/reset-confirm", {"token": verify, "new_password": NEW_PASSWORD}
        ),
    ]

    assert {a.status_code for a in answers} == {HTTPStatus.BAD_REQUEST}
    assert not is_verified(ada)


@pytest.mark.parametrize("change", ["closed", "deleted", "moved and back"])
def test_what_happens_to_the_account_kills_its_tokens(ada, bob, outbox, change):
    ada.register()
    ada.ask("/password/reset-request", ada.factor)
    verify, reset = (message.token for message in outbox)
    account = ada.account

    if change == "closed":
        account.is_active = False
        account.save()
    elif change == "deleted":
        account.delete()
    else:
        for value in (bob.factor, ada.factor):
            setattr(account, user_shape().recovery_factor, value)
            account.save()

    with pytest.raises(InvalidToken):
        recovery.confirm_verification(token=verify)
    with pytest.raises(InvalidToken):
        recovery.confirm_reset(token=reset, new_password=NEW_PASSWORD)


def test_a_refused_password_leaves_the_token_alive(ada, outbox):
    ada.register()
    ada.ask("/password/reset-request", ada.factor)
    token = outbox[-1].token

    refused, accepted = (
        Browser().post(
            "/password/reset-confirm", {"token": token, "new_password": password}
        )
        for password in ("short", NEW_PASSWORD)
    )

    assert refused.status_code == HTTPStatus.BAD_REQUEST
    assert list(refused.data) == ["new_password"]
    assert accepted.status_code == HTTPStatus.OK


def test_where_logins_have_to_be_verified_others_fail_like_wrong_ones(
    ada, outbox, settings
):
    settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = True
    ada.register()

    right, wrong = ada.log_in(), ada.log_in("not the password")
    Browser().post("/email/verify-confirm", {"token": outbox[-1].token})

    assert right.status_code == HTTPStatus.UNAUTHORIZED
    assert (right.status_code, right.data) == (wrong.status_code, wrong.data)
    assert ada.log_in().status_code == HTTPStatus.OK


def test_a_value_saved_by_the_project_is_unverified_and_ends_sessions(
    verified_ada, bob
):
    account = verified_ada.account
    setattr(account, user_shape().recovery_factor, bob.factor)

    account.save()

    account.refresh_from_db()
    assert (account.held_value, account.is_recovery_verified) == (bob.factor, False)
    assert verified_ada.browser.get("/me").status_code == HTTPStatus.UNAUTHORIZED


def test_proving_the_held_value_and_a_reset_are_two_statements_each(
    ada, outbox, settings
):
    ada.register()
    ada.ask("/password/reset-request", ada.factor)
    verify, reset = (message.token for message in outbox)
    body = {"token": reset, "new_password": NEW_PASSWORD}
    settings.CRUDAUTH_DISPATCHER = "tests.attacks.discarding.DiscardingDispatcher"

    with told_to_the_user_table() as to_verify:
        Browser().post("/email/verify-confirm", {"token": verify})
    with told_to_the_user_table() as to_reset:
        Browser().post("/password/reset-confirm", body)

    assert is_verified(ada)
    assert ada.log_in(NEW_PASSWORD).status_code == HTTPStatus.OK
    assert to_verify == ["SELECT", "UPDATE"]
    assert to_reset == ["SELECT", "UPDATE"]
