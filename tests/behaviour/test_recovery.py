"""Verification and password reset, for every shape with a recovery factor."""

from http import HTTPStatus

import pytest

from crudauth_django.exceptions import InvalidToken
from crudauth_django.flows import recovery
from crudauth_django.security.redemption import RESET, VERIFY
from crudauth_django.security.tokens import read_token
from crudauth_django.users import user_shape
from tests.support.client import NEW_PASSWORD, PASSWORD, Browser
from tests.support.people import is_verified, shown_identifier
from tests.support.statements import user_table_statements

pytestmark = [pytest.mark.django_db, pytest.mark.needs_factor]


def test_registration_sends_verification(ada, outbox):
    response = ada.register()

    (message,) = outbox
    assert response.status_code == HTTPStatus.ACCEPTED
    assert (message.kind, message.recipient) == ("verify_recovery", ada.factor)
    assert message.account == ada.stored(shown_identifier())


def test_verification_opens_view_for_verified_accounts(unverified_ada, outbox):
    unverified_ada.request("/email/verify-request", unverified_ada.factor)
    before = unverified_ada.browser.get("/gated-api")

    response = Browser().post("/email/verify-confirm", {"token": outbox[-1].token})

    assert before.status_code == HTTPStatus.FORBIDDEN
    assert response.status_code == HTTPStatus.OK
    assert unverified_ada.browser.get("/gated-api").status_code == HTTPStatus.OK
    assert unverified_ada.browser.get("/me").data[user_shape().verified] is True


@pytest.mark.parametrize("path", ["/email/verify-request", "/password/reset-request"])
def test_request_normalizes_value_before_sending(ada, bob, outbox, path):
    ada.register()
    outbox.clear()

    responses = [
        bob.browser.post(path, {user_shape().factor: text})
        for text in (ada.factor, ada.typed(user_shape().recovery_factor))
    ]

    assert [a.status_code for a in responses] == [HTTPStatus.OK] * 2
    assert [m.recipient for m in outbox] == [ada.factor] * 2


@pytest.mark.parametrize("path", ["/email/verify-request", "/password/reset-request"])
def test_known_and_unknown_values_get_same_response(ada, bob, outbox, path):
    ada.register()
    outbox.clear()

    known = ada.request(path, ada.factor)
    unknown = ada.request(path, bob.factor)

    assert known.status_code == HTTPStatus.OK
    assert (known.status_code, known.data) == (unknown.status_code, unknown.data)
    assert [m.recipient for m in outbox] == [ada.factor]


def test_verified_account_gets_no_verification(verified_ada, outbox):
    response = verified_ada.request("/email/verify-request", verified_ada.factor)

    assert response.status_code == HTTPStatus.OK
    assert outbox == []


def test_reset_sets_password_and_verifies_value(unverified_ada, outbox):
    ada = unverified_ada
    ada.request("/password/reset-request", ada.factor)
    token = outbox[-1].token

    response = Browser().post(
        "/password/reset-confirm", {"token": token, "new_password": NEW_PASSWORD}
    )

    assert response.status_code == HTTPStatus.OK
    assert ada.browser.get("/me").status_code == HTTPStatus.UNAUTHORIZED
    assert ada.log_in().status_code == HTTPStatus.UNAUTHORIZED
    assert ada.log_in(NEW_PASSWORD).status_code == HTTPStatus.OK
    assert is_verified(ada)
    assert (outbox[-1].kind, outbox[-1].token) == ("password_changed", None)
    assert outbox[-1].recipient == ada.factor


def test_password_change_notifies_verified_value(verified_ada, outbox):
    verified_ada.browser.post(
        "/change-password",
        {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
    )

    assert [(m.kind, m.recipient) for m in outbox] == [
        ("password_changed", verified_ada.factor)
    ]


def test_password_change_does_not_notify_unverified_value(unverified_ada, outbox):
    unverified_ada.browser.post(
        "/change-password",
        {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
    )

    assert outbox == []


def test_verification_token_works_once(ada, outbox):
    ada.register()
    token = outbox[-1].token

    responses = [
        Browser().post("/email/verify-confirm", {"token": token}) for _ in range(2)
    ]

    assert [a.status_code for a in responses] == [HTTPStatus.OK, HTTPStatus.BAD_REQUEST]
    assert responses[1].data["code"] == "invalid_token"


@pytest.mark.parametrize(
    "recovery_purpose", [VERIFY, RESET], ids=lambda r: r.purpose.kind
)
def test_token_read_twice_is_redeemed_once(ada, outbox, recovery_purpose):
    ada.register()
    ada.request("/password/reset-request", ada.factor)
    token = next(m.token for m in outbox if m.kind == recovery_purpose.purpose.kind)
    readers = [read_token(recovery_purpose.purpose, token) for _ in range(2)]
    columns = {"password": "!"} if recovery_purpose is RESET else {}

    results = [recovery_purpose.update(reader, dict(columns)) for reader in readers]

    assert results == [True, False]


def test_token_of_other_purpose_is_refused(ada, outbox):
    ada.register()
    ada.request("/password/reset-request", ada.factor)
    verify, reset = (message.token for message in outbox)

    responses = [
        Browser().post("/email/verify-confirm", {"token": reset}),
        Browser().post("/email/change-confirm", {"token": verify}),
        Browser().post(
            "/password/reset-confirm", {"token": verify, "new_password": NEW_PASSWORD}
        ),
    ]

    assert {a.status_code for a in responses} == {HTTPStatus.BAD_REQUEST}
    assert not is_verified(ada)


@pytest.mark.parametrize(
    "change", ["deactivated", "deleted", "value changed and restored"]
)
def test_account_update_voids_tokens(ada, bob, outbox, change):
    ada.register()
    ada.request("/password/reset-request", ada.factor)
    verify, reset = (message.token for message in outbox)
    account = ada.account

    if change == "deactivated":
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


def test_refused_password_leaves_token_valid(ada, outbox):
    ada.register()
    ada.request("/password/reset-request", ada.factor)
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


def test_unverified_login_fails_like_wrong_password(ada, outbox, settings):
    settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = True
    ada.register()

    right, wrong = ada.log_in(), ada.log_in("not the password")
    Browser().post("/email/verify-confirm", {"token": outbox[-1].token})

    assert right.status_code == HTTPStatus.UNAUTHORIZED
    assert (right.status_code, right.data) == (wrong.status_code, wrong.data)
    assert ada.log_in().status_code == HTTPStatus.OK


def test_saved_new_value_is_unverified_and_ends_sessions(verified_ada, bob):
    account = verified_ada.account
    setattr(account, user_shape().recovery_factor, bob.factor)

    account.save()

    account.refresh_from_db()
    assert (account.held_value, account.is_recovery_verified) == (bob.factor, False)
    assert verified_ada.browser.get("/me").status_code == HTTPStatus.UNAUTHORIZED


def test_verification_and_reset_run_expected_statements(ada, outbox, settings):
    ada.register()
    ada.request("/password/reset-request", ada.factor)
    verify, reset = (message.token for message in outbox)
    body = {"token": reset, "new_password": NEW_PASSWORD}
    settings.CRUDAUTH_DISPATCHER = "tests.support.dispatchers.DiscardingDispatcher"

    with user_table_statements() as to_verify:
        Browser().post("/email/verify-confirm", {"token": verify})
    with user_table_statements() as to_reset:
        Browser().post("/password/reset-confirm", body)

    assert is_verified(ada)
    assert ada.log_in(NEW_PASSWORD).status_code == HTTPStatus.OK
    # The second statement looks for other accounts with the value.
    assert to_verify == ["SELECT", "SELECT", "UPDATE"]
    assert to_reset == ["SELECT", "UPDATE"]
