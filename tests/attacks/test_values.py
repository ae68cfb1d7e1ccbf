"""Values that look alike, or show nothing.

Sources: UTS #36 and UTS #39 (Unicode security), UTS #46 and RFC 3490 (IDNA), CWE-1007
(homoglyphs), CWE-179 and CWE-180 (validation before canonical form), "Splitting the
email atom" (PortSwigger, 2024), OWASP ASVS 5.0 (6.2, passwords), NIST SP 800-63B-4
(3.1.1.2, spaces in passwords).
"""

from __future__ import annotations

from http import HTTPStatus
from itertools import product

import pytest

from tests.support.client import PASSWORD
from tests.support.mail import smtp_recipient
from tests.support.temporary import installed

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = "+12125550111"
#: One host name with each of its letters full-width or not.
FORMS = [
    "bob@" + "".join(letters) + ".com"
    for letters in product(*((c, chr(ord(c) + 0xFEE0)) for c in "exampl"), ["e"])
]
#: Addresses that Django's mail sends to bob@example.com, in one version at least.
REWRITTEN = [
    '"bob"@example.com',
    "=?utf-8?q?bob?=@example.com",
    "\uff42ob@example.com",
]
INVISIBLE = [
    "\u3164",
    "\u115f",
    "\u1160",
    "\uffa0",
    "\u3164\u3164",
    "ada\u3164",
    "a\u115fda",
    "ada\ufe0f",
    "ada\u034f",
    "\u2800",
    "\U00013441",
]


@pytest.fixture
def email_accounts():
    """Accounts that log in and recover by email."""
    with installed(LOGIN_IDENTIFIERS=("email",), RECOVERY_FACTOR="email") as model:
        yield model.objects


def test_forms_of_one_domain_are_one_account(email_accounts, api, outbox):
    statuses = set()
    for form in FORMS[:30]:
        body = {"email": form, "password": PASSWORD}
        statuses.add(api.post("/register", body).status_code)

    assert statuses == {HTTPStatus.ACCEPTED}
    assert list(email_accounts.values_list("email", flat=True)) == ["bob@example.com"]
    # The budget of one value.
    assert {message.recipient for message in outbox} == {"bob@example.com"}
    assert len(outbox) <= 5


@pytest.mark.parametrize("typed", ["bob@ex\u00e4mple.com", "bob@exa\u0308mple.com"])
def test_owner_logs_in_with_any_form_of_address(email_accounts, api, typed):
    body = {"email": "BOB@xn--exmple-cua.com", "password": PASSWORD}
    api.post("/register", body)

    assert api.log_in(typed).status_code == HTTPStatus.OK


@pytest.mark.parametrize("address", REWRITTEN)
def test_address_that_mail_rewrites_is_refused(email_accounts, api, address):
    response = api.post("/register", {"email": address, "password": PASSWORD})

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert list(response.json()) == ["email"]


@pytest.mark.parametrize("form", [FORMS[-1], "Bob@example\u3002com"])
def test_message_goes_to_the_stored_address(email_accounts, api, outbox, form):
    api.post("/register", {"email": form, "password": PASSWORD})

    assert smtp_recipient(outbox[0].recipient) == email_accounts.get().email


@pytest.mark.parametrize("name", INVISIBLE, ids=ascii)
def test_invisible_name_is_refused(api, name):
    body = {"username": name, "phone": PHONE, "password": PASSWORD}

    response = api.post("/register", body)

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert list(response.json()) == ["username"]


@pytest.mark.parametrize("blank", [" ", "\u3164", "\u200b", "\u2800"], ids=ascii)
def test_password_of_blanks_is_refused(api, ada, outbox, blank):
    body = {"username": "bob", "phone": PHONE, "password": blank * 12}
    api.log_in()
    api.post("/password/reset-request", {"phone": ada.recovery_value})

    registered = api.post("/register", body)
    changed = api.change_password(new=blank * 12)
    reset = api.reset_password(outbox[-1].token, blank * 12)

    for response, field in (
        (registered, "password"),
        (changed, "new_password"),
        (reset, "new_password"),
    ):
        assert response.status_code == HTTPStatus.BAD_REQUEST
        assert list(response.json()) == [field]
    assert api.reset_password(outbox[-1].token).status_code == HTTPStatus.OK
