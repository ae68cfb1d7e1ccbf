"""Notices of what has happened, for every shape and on every database."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from tests.support.client import Browser

pytestmark = [pytest.mark.django_db, pytest.mark.needs_factor]


def test_old_value_hears_of_new_password_after_change(verified_ada, bob, outbox):
    verified_ada.request_change(bob.factor)
    body = {"token": outbox[-1].token}
    verified_ada.browser.post("/email/change-confirm", body)
    outbox.clear()

    response = verified_ada.browser.change_password()

    assert response.status_code == HTTPStatus.OK
    assert sorted((intent.kind, intent.recipient) for intent in outbox) == sorted(
        ("password_changed", value) for value in (verified_ada.factor, bob.factor)
    )


def test_used_up_budget_leaves_notice_of_new_password(verified_ada, outbox):
    for _ in range(8):
        verified_ada.request("/password/reset-request", verified_ada.factor)
    outbox.clear()

    verified_ada.browser.change_password()

    assert [intent.kind for intent in outbox] == ["password_changed"]


def test_registrations_leave_request_of_owner(ada, bob, outbox):
    for _ in range(4):
        bob.register_with_factor_of(ada)
        bob.browser = Browser()
    for number in range(6):
        ada.register(username=f"other{number}")
    outbox.clear()

    ada.request("/password/reset-request", ada.factor)

    assert [intent.kind for intent in outbox] == ["reset_password"]
