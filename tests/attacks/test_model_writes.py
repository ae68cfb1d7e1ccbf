"""Attackers who gain from a project's own writes: imports, scripts, admin actions.

Sources: CWE-640 (weak recovery mechanism), CWE-613 (insufficient session
expiration), OWASP ASVS 4.0 V2.5 and V3.3, OWASP Forgot Password Cheat Sheet,
Sudhodanan and Paverd, "Pre-hijacked accounts" (USENIX Security 2022).
"""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.contrib.auth.hashers import make_password
from django.db import transaction

from crudauth_django.users import user_model
from tests.support.client import NEW_PASSWORD, PASSWORD, Browser

pytestmark = pytest.mark.django_db

HELD = "+12125552368"
MOVED = "+12125552369"
THIEFS = "+12125550123"


def update(**values) -> None:
    user_model().objects.filter(username="ada").update(**values)


def bulk_update(**values) -> None:
    user = user_model().objects.get(username="ada")
    for name, value in values.items():
        setattr(user, name, value)
    user_model().objects.bulk_update([user], list(values))


@pytest.fixture(params=[update, bulk_update], ids=lambda way: way.__name__)
def write(request):
    """A way to write that does not call ``save()``."""
    return request.param


@pytest.fixture
def verified(ada, outbox) -> Browser:
    """Ada's browser, signed in; her number is verified."""
    browser = Browser()
    browser.post("/email/verify-request", {"phone": HELD})
    browser.verify(outbox[-1].token)
    browser.log_in("ada")
    outbox.clear()
    return browser


def test_imported_number_does_not_pass_as_verified(verified, write):
    """An import writes a wrong number; the gate stays shut for its holder."""
    write(phone=MOVED)

    again = Browser()
    again.log_in("ada")
    assert again.get("/me").data["phone_verified"] is False


def test_session_of_thief_ends_with_the_number(verified, write):
    thief = Browser()
    thief.log_in("ada")

    write(phone=MOVED)

    assert thief.get("/me").status_code == HTTPStatus.UNAUTHORIZED


def test_reset_sent_to_old_number_is_void(verified, outbox, write):
    verified.post("/password/reset-request", {"phone": HELD})
    body = {"token": outbox[-1].token, "new_password": NEW_PASSWORD}

    write(phone=MOVED)
    response = Browser().post("/password/reset-confirm", body)

    assert response.status_code == HTTPStatus.BAD_REQUEST


def test_new_password_from_support_cancels_thiefs_change(verified, outbox, write):
    """A thief with the password requests a change; support sets a new password."""
    body = {"new_phone": THIEFS, "password": PASSWORD}
    verified.post("/email/change-request", body)
    token = outbox[-1].token

    write(password=make_password(NEW_PASSWORD))
    response = Browser().post("/email/change-confirm", {"token": token})

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert user_model().objects.get(username="ada").held_value == HELD


def test_imported_name_in_another_case_stays_unique(ada, write):
    """Two notations of one name must not become two accounts."""
    write(username="Grace")

    grace = {"username": "grace", "phone": THIEFS, "password": PASSWORD}
    response = Browser().post("/register", grace)

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert "username" in response.data


def test_banned_account_is_signed_out_after_a_retry(verified):
    """The first transaction fails at its commit, as under SERIALIZABLE."""
    user = user_model().objects.get(username="ada")
    for is_last in (False, True):
        with transaction.atomic():
            user.is_active = False
            user.save()
            transaction.set_rollback(not is_last)

    assert verified.get("/me").status_code == HTTPStatus.UNAUTHORIZED
    assert Browser().log_in("ada").status_code == HTTPStatus.UNAUTHORIZED


def born_verified(**values) -> dict[str, object]:
    return {"phone_verified": True, "phone_pending": THIEFS, "is_staff": True}


def test_computed_fields_do_not_verify_a_new_account(db, settings, caplog):
    settings.CRUDAUTH_NEW_USER_FIELDS = born_verified
    eve = {"username": "eve", "phone": HELD, "password": PASSWORD}

    response = Browser().post("/register", eve)

    user = user_model().objects.get()
    assert response.status_code == HTTPStatus.ACCEPTED
    assert (user.phone_verified, user.phone_pending, user.is_staff) == (
        False,
        None,
        True,
    )
    (record,) = [r for r in caplog.records if r.levelname == "ERROR"]
    assert "CRUDAUTH_NEW_USER_FIELDS" in record.getMessage()
    assert "phone_pending, phone_verified" in record.getMessage()
    assert HELD not in record.getMessage()
