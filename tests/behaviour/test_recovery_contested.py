"""Links for a value that several accounts hold or claim, for every shape.

Such a link verifies only for the owner of the account that it names. Without that
rule, one click on a message that another person's registration caused would give
that person's password an account with the value (*account pre-hijacking*,
Sudhodanan and Paverd, USENIX Security 2022).
"""

from http import HTTPStatus

import pytest

from crudauth_django.client import DEVICE_COOKIE
from crudauth_django.users import user_model, user_shape
from tests.support.client import NEW_PASSWORD, PASSWORD, Browser
from tests.support.people import is_verified, shown_identifier

pytestmark = [pytest.mark.django_db, pytest.mark.needs_factor]
needs_claims = pytest.mark.needs_claims

OTHER_PASSWORD = "a password of another"


@pytest.fixture
def holders_link(unverified_ada, eve, outbox):
    """A link for Ada's account, which holds a value that Eve's account claims."""
    unverified_ada.request("/email/verify-request", unverified_ada.factor)
    eve.register(
        **{user_shape().factor: unverified_ada.factor}, password=OTHER_PASSWORD
    )
    token = outbox[0].token
    outbox.clear()
    return token


@pytest.fixture
def claimants_link(unverified_ada, eve, outbox):
    """A link for Eve's account, which claims the value that Ada's account holds."""
    eve.register(
        **{user_shape().factor: unverified_ada.factor}, password=OTHER_PASSWORD
    )
    token = outbox[-1].token
    outbox.clear()
    return token


def known_device(person) -> Browser:
    """Return a browser that has signed in to a person's account, and out again."""
    browser = Browser()
    browser.log_in(person.own_identifier)
    browser.post("/logout")
    return browser


def without_device(person) -> Browser:
    """Return the browser of a person's session, without the cookie of its device."""
    person.browser.client.cookies.pop(DEVICE_COOKIE, None)
    return person.browser


def assert_refused(response) -> None:
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert response.data["code"] == "password_required"


def assert_reset_of(person, messages) -> str:
    """One message was sent: a reset of this person's account. Return its token."""
    (message,) = messages
    assert message.kind == "reset_password"
    shown = {**person.values, user_shape().factor: message.recipient}
    assert message.account == shown[shown_identifier()]
    return message.token


@needs_claims
def test_claimants_link_alone_verifies_nothing(
    claimants_link, unverified_ada, eve, outbox
):
    response = Browser().verify(claimants_link)

    assert_refused(response)
    assert not is_verified(eve)
    assert unverified_ada.account.held_value == unverified_ada.factor
    assert_reset_of(unverified_ada, outbox)


@needs_claims
def test_holders_link_alone_verifies_nothing(holders_link, unverified_ada, eve, outbox):
    response = Browser().verify(holders_link)

    assert_refused(response)
    assert not is_verified(unverified_ada)
    assert_reset_of(unverified_ada, outbox)


@needs_claims
def test_reset_after_refused_link_serves_holder(
    claimants_link, unverified_ada, eve, outbox
):
    Browser().verify(claimants_link)
    token = assert_reset_of(unverified_ada, outbox)

    response = Browser().reset_password(token)

    assert response.status_code == HTTPStatus.OK
    assert is_verified(unverified_ada)
    assert unverified_ada.log_in(NEW_PASSWORD).status_code == HTTPStatus.OK
    assert not is_verified(eve)
    assert Browser().verify(claimants_link, OTHER_PASSWORD).data["code"] == (
        "invalid_token"
    )


@needs_claims
def test_reset_after_refused_link_serves_named_account(
    claimants_link, unverified_ada, eve, bob, outbox
):
    bob.register_with_factor_of(unverified_ada)
    unverified_ada.account.delete()
    outbox.clear()
    Browser().verify(claimants_link)
    token = assert_reset_of(eve, outbox)

    response = Browser().reset_password(token)

    assert response.status_code == HTTPStatus.OK
    assert is_verified(eve)
    assert eve.account.held_value == unverified_ada.factor
    assert eve.log_in(OTHER_PASSWORD).status_code == HTTPStatus.UNAUTHORIZED
    assert eve.log_in(NEW_PASSWORD).status_code == HTTPStatus.OK


@needs_claims
def test_password_of_named_account_verifies(claimants_link, unverified_ada, eve):
    response = Browser().verify(claimants_link, OTHER_PASSWORD)

    assert response.status_code == HTTPStatus.OK
    assert is_verified(eve)
    assert unverified_ada.account.held_value is None
    assert unverified_ada.account.pending_value == unverified_ada.factor


@needs_claims
def test_session_of_named_account_verifies(holders_link, unverified_ada):
    response = without_device(unverified_ada).verify(holders_link)

    assert response.status_code == HTTPStatus.OK
    assert is_verified(unverified_ada)


@needs_claims
def test_session_of_other_account_verifies_nothing(claimants_link, unverified_ada, eve):
    response = without_device(unverified_ada).verify(claimants_link)

    assert_refused(response)
    assert not is_verified(eve)


@needs_claims
def test_ended_session_of_named_account_verifies_nothing(holders_link, unverified_ada):
    account = unverified_ada.account
    account.set_password(NEW_PASSWORD)
    account.save()
    unverified_ada.browser.client.cookies.pop(DEVICE_COOKIE)

    response = without_device(unverified_ada).verify(holders_link)

    assert_refused(response)


@needs_claims
def test_known_device_of_named_account_verifies(holders_link, unverified_ada):
    response = known_device(unverified_ada).verify(holders_link)

    assert response.status_code == HTTPStatus.OK
    assert is_verified(unverified_ada)


@needs_claims
def test_known_device_of_other_account_verifies_nothing(
    claimants_link, unverified_ada, eve
):
    response = known_device(unverified_ada).verify(claimants_link)

    assert_refused(response)
    assert not is_verified(eve)


@needs_claims
def test_wrong_passwords_lock_account_and_send_nothing(claimants_link, eve, outbox):
    wrong = [Browser().verify(claimants_link, "not the password") for _ in range(5)]

    response = Browser().verify(claimants_link, OTHER_PASSWORD)

    assert {r.status_code for r in wrong} == {HTTPStatus.BAD_REQUEST}
    assert list(wrong[0].data) == ["password"]
    assert response.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert int(response["Retry-After"]) > 0
    assert not is_verified(eve)
    assert outbox == []


@pytest.mark.parametrize("password", [None, "", 7, [], "x" * 5000])
def test_malformed_password_is_refused(unverified_ada, outbox, password):
    unverified_ada.request("/email/verify-request", unverified_ada.factor)
    body = {"token": outbox[-1].token, "password": password}

    response = Browser().post("/email/verify-confirm", body)

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert list(response.data) == ["password"]
    assert not is_verified(unverified_ada)


def test_wrong_password_is_refused_for_uncontested_value(ada, outbox):
    ada.register()

    response = Browser().verify(outbox[-1].token, "not the password")

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert list(response.data) == ["password"]
    assert not is_verified(ada)


@needs_claims
def test_link_is_invalid_after_other_account_has_verified(
    claimants_link, unverified_ada, eve, outbox
):
    unverified_ada.request("/email/verify-request", unverified_ada.factor)
    unverified_ada.browser.verify(outbox[-1].token)
    outbox.clear()

    response = Browser().verify(claimants_link)

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert response.data["code"] == "invalid_token"
    assert outbox == []
    assert not is_verified(eve)


@needs_claims
def test_link_made_while_contested_stays_contested(claimants_link, unverified_ada, eve):
    unverified_ada.account.delete()

    response = Browser().verify(claimants_link)

    assert_refused(response)
    assert not is_verified(eve)


@needs_claims
def test_link_to_uncontested_value_verifies_alone(ada, eve, outbox):
    eve.register()
    ada.register()

    responses = [Browser().verify(message.token) for message in list(outbox)]

    assert [r.status_code for r in responses] == [HTTPStatus.OK] * 2


@needs_claims
def test_closed_account_contests_value(claimants_link, unverified_ada, eve, outbox):
    user_model()._base_manager.filter(pk=unverified_ada.account.pk).update(
        is_active=False
    )

    refused = Browser().verify(claimants_link)
    token = assert_reset_of(eve, outbox)
    response = Browser().reset_password(token)

    assert_refused(refused)
    assert response.status_code == HTTPStatus.OK
    assert eve.account.held_value == unverified_ada.factor
    assert unverified_ada.account.held_value is None


@needs_claims
def test_value_of_closed_verified_account_gets_no_reset(verified_ada, eve, outbox):
    user_model()._base_manager.update(is_active=False)
    eve.register_with_factor_of(verified_ada)

    Browser().post("/password/reset-request", {user_shape().factor: eve.factor})
    Browser().post(
        "/password/reset-request", {user_shape().factor: verified_ada.factor}
    )

    assert outbox == []


@needs_claims
def test_reset_request_without_holder_serves_claimant(
    claimants_link, unverified_ada, eve, outbox
):
    unverified_ada.account.delete()

    Browser().post(
        "/password/reset-request", {user_shape().factor: unverified_ada.factor}
    )
    response = Browser().reset_password(assert_reset_of(eve, outbox))

    assert response.status_code == HTTPStatus.OK
    assert eve.account.held_value == unverified_ada.factor
    assert is_verified(eve)


def test_reset_serves_no_change_in_flight_of_verified_account(
    verified_ada, bob, outbox
):
    verified_ada.request_change(bob.factor)
    outbox.clear()

    Browser().post("/password/reset-request", {user_shape().factor: bob.factor})

    assert outbox == []


def test_reset_to_stored_value_cancels_unverified_claim(unverified_ada, bob, outbox):
    ada = unverified_ada
    ada.request_change(bob.factor)
    change = outbox[-1].token
    ada.request("/password/reset-request", ada.factor)

    response = Browser().reset_password(outbox[-1].token)

    assert response.status_code == HTTPStatus.OK
    assert (ada.account.held_value, ada.account.pending_value) == (ada.factor, None)
    assert Browser().confirm_change(change).status_code == HTTPStatus.BAD_REQUEST


def test_reset_to_claimed_value_stores_unverified_claim(unverified_ada, bob, outbox):
    unverified_ada.request_change(bob.factor)
    unverified_ada.request("/password/reset-request", bob.factor)
    epoch = unverified_ada.account.auth_epoch

    response = Browser().reset_password(outbox[-1].token)

    account = user_model().objects.get()
    assert response.status_code == HTTPStatus.OK
    assert account.auth_epoch == epoch + 1
    assert (account.held_value, account.pending_value) == (bob.factor, None)
    assert account.is_recovery_verified
    assert account.check_password(NEW_PASSWORD)


@needs_claims
def test_holder_that_claims_another_value_is_served_last(
    unverified_ada, bob, eve, outbox
):
    unverified_ada.request_change(bob.factor)
    eve.register_with_factor_of(unverified_ada)
    outbox.clear()

    Browser().post(
        "/email/verify-request", {user_shape().factor: unverified_ada.factor}
    )

    (message,) = outbox
    shown = {**eve.values, user_shape().factor: unverified_ada.factor}
    assert message.account == shown[shown_identifier()]


@needs_claims
def test_request_serves_no_claimant_of_verified_value(verified_ada, eve, outbox):
    eve.register_with_factor_of(verified_ada)
    outbox.clear()

    Browser().post("/email/verify-request", {user_shape().factor: verified_ada.factor})

    assert outbox == []


def test_contested_change_needs_owner(unverified_ada, bob, outbox):
    bob.register()
    bob.log_in()
    bob.request_change(unverified_ada.factor)
    token = outbox[-1].token
    outbox.clear()

    response = Browser().confirm_change(token)

    assert_refused(response)
    assert not is_verified(bob)
    assert unverified_ada.account.held_value == unverified_ada.factor
    assert_reset_of(unverified_ada, outbox)


@needs_claims
@pytest.mark.parametrize("by", ["session", "password"])
def test_contested_change_is_confirmed_by_owner(unverified_ada, bob, outbox, by):
    bob.register()
    bob.log_in()
    bob.request_change(unverified_ada.factor)
    token = outbox[-1].token

    response = (
        bob.browser.confirm_change(token)
        if by == "session"
        else Browser().confirm_change(token, PASSWORD)
    )

    assert response.status_code == HTTPStatus.OK
    assert bob.account.held_value == unverified_ada.factor


def test_setting_requires_owner_for_every_verification(
    unverified_ada, outbox, settings
):
    settings.CRUDAUTH_VERIFY_REQUIRES_PASSWORD = True
    unverified_ada.request("/email/verify-request", unverified_ada.factor)
    token = outbox[-1].token
    outbox.clear()

    alone = Browser().verify(token)
    reset = assert_reset_of(unverified_ada, outbox)
    with_session = unverified_ada.browser.verify(token)

    assert_refused(alone)
    assert with_session.status_code == HTTPStatus.OK
    assert is_verified(unverified_ada)
    assert Browser().reset_password(reset).status_code == HTTPStatus.OK


def test_setting_requires_owner_for_every_change(verified_ada, bob, outbox, settings):
    settings.CRUDAUTH_VERIFY_REQUIRES_PASSWORD = True
    verified_ada.request_change(bob.factor)
    token = outbox[-1].token
    outbox.clear()

    alone = Browser().confirm_change(token)
    with_password = Browser().confirm_change(token, PASSWORD)

    assert_refused(alone)
    assert with_password.status_code == HTTPStatus.OK
    assert [m.kind for m in outbox] == ["recovery_changed"]


@needs_claims
def test_holder_can_not_tell_when_owner_verifies(unverified_ada, bob, eve, outbox):
    """An account that holds a value and claims another sees no change."""
    spy, owner = unverified_ada, eve
    spy.request_change(bob.factor)
    change = outbox[-1].token
    before = spy.browser.get("/me").data
    owner.register_with_factor_of(spy)
    Browser().verify(outbox[-1].token, PASSWORD)

    after = spy.browser.get("/me").data
    confirmed = spy.browser.confirm_change(change)

    assert is_verified(owner)
    assert owner.account.held_value == spy.factor
    assert after == before
    assert confirmed.status_code == HTTPStatus.OK
    assert spy.account.held_value == bob.factor


@needs_claims
def test_holder_still_sees_value_after_owner_verifies(unverified_ada, bob, eve, outbox):
    before = unverified_ada.browser.get("/me").data
    eve.register_with_factor_of(unverified_ada)
    Browser().verify(outbox[-1].token, PASSWORD)

    after = unverified_ada.browser.get("/me").data
    again = unverified_ada.request_change(unverified_ada.factor)
    other = unverified_ada.request_change(bob.factor)

    assert after == before
    assert again.status_code == HTTPStatus.BAD_REQUEST
    assert other.status_code == HTTPStatus.OK
    assert outbox[-1].recipient == bob.factor
