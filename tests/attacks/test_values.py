"""Values that look alike, show nothing, or turn into links in a text.

Sources: UTS #36 and UTS #39 (Unicode security), UTS #46 and RFC 3490 (IDNA), CWE-1007
(homoglyphs), CWE-179 and CWE-180 (validation before canonical form), "Splitting the
email atom" (PortSwigger, 2024), OWASP ASVS 5.0 (6.2, passwords), NIST SP 800-63B-4
(3.1.1.2, spaces in passwords), Sudhodanan and Paverd 2022 (messages that an attacker's
registration causes).
"""

from __future__ import annotations

import re
from functools import partial
from http import HTTPStatus
from itertools import product

import pytest
from django.db import models

from crudauth_django.channels import render_email, render_sms
from crudauth_django.channels.segments import Encoding, encoding, segments
from crudauth_django.users import user_model
from tests.support.client import PASSWORD
from tests.support.links import links_in
from tests.support.mail import smtp_recipient
from tests.support.site import site, statuses
from tests.support.temporary import installed
from tests.support.waiting import at_once, eventually

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
#: Names with something to tap, as a client may register them.
NAMES_WITH_LINKS = [
    "win.example.com",
    "www.win.example",
    "call+18005551234",
    "800-555-1234-call",
    "win.1.1.1.1",
    "\u0627\u062a\u0635\u0644-\u0661\u0668\u0660\u0660\u0665\u0665\u0665\u0661\u0662\u0663\u0664",
]
EMAILS_WITH_LINKS = [
    "win.example/prize/abcdef@x.co",
    "evil.com/a?b=c@x.co",
    "evil.com@x.co",
    "call.18005551234@x.co",
    "a@call-18005551234.co",
    "claim@win.example.com",
]


@pytest.fixture
def email_accounts():
    """Accounts that log in and recover by email."""
    with installed(LOGIN_IDENTIFIERS=("email",), RECOVERY_FACTOR="email") as model:
        yield model.objects


@pytest.fixture
def named_by_email(settings):
    """Accounts that log in by email and recover by phone."""
    settings.CRUDAUTH_FRONTEND_URL = "https://app.example.com"
    phone = models.CharField(max_length=20, unique=True, null=True)
    with installed(
        LOGIN_IDENTIFIERS=("email",), RECOVERY_FACTOR="phone", phone=phone
    ) as model:
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


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_parallel_forms_of_one_domain_are_one_account(kind, databases, tmp_path):
    database = databases.fresh(kind, "email")
    with site(
        "gunicorn-threads", database=database, folder=tmp_path, shape="email"
    ) as live_site:
        bodies = [{"email": form, "password": PASSWORD} for form in FORMS[:20]]

        responses = at_once(
            [partial(live_site.post, "/register", body) for body in bodies]
        )
        found = eventually(live_site.messages)

        assert set(statuses(responses)) == {HTTPStatus.ACCEPTED}
        assert live_site.rows("SELECT email FROM email_user") == [("bob@example.com",)]
        assert {message["recipient"] for message in found} == {"bob@example.com"}


@pytest.mark.parametrize("typed", ["bob@ex\u00e4mple.com", "bob@exa\u0308mple.com"])
def test_owner_logs_in_with_any_form_of_address(email_accounts, api, typed, settings):
    settings.CRUDAUTH_LOGIN_REQUIRES_VERIFIED = False
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


@pytest.mark.parametrize("name", NAMES_WITH_LINKS, ids=ascii)
def test_username_in_texts_has_nothing_to_tap(api, outbox, name):
    body = {"username": name, "phone": PHONE, "password": PASSWORD}

    response = api.post("/register", body)

    assert response.status_code == HTTPStatus.ACCEPTED
    assert links_in(name)
    assert_nothing_to_tap(outbox[0])


@pytest.mark.parametrize("email", EMAILS_WITH_LINKS)
def test_email_as_name_in_texts_has_nothing_to_tap(named_by_email, api, outbox, email):
    body = {"email": email, "phone": PHONE, "password": PASSWORD}

    response = api.post("/register", body)

    assert response.status_code == HTTPStatus.ACCEPTED
    assert links_in(email)
    assert_nothing_to_tap(outbox[0])


def assert_nothing_to_tap(message) -> None:
    mail = render_email(message)
    body = re.sub(r"<[^>]*>", " ", mail.html)
    for text in (render_sms(message), mail.subject, mail.text, body):
        own = text.replace(message.link, "").replace(message.token, "")
        assert links_in(own) == [], own


@pytest.mark.parametrize(
    "name",
    ["\u0436" * 20, "\u4e2d\u6587", "\u0142ukasz", "\u0905\u092e\u0930"],
    ids=ascii,
)
def test_name_outside_gsm7_adds_no_segment(api, outbox, name):
    body = {"username": name, "phone": PHONE, "password": PASSWORD}

    response = api.post("/register", body)

    text = render_sms(outbox[0])
    assert response.status_code == HTTPStatus.ACCEPTED
    assert (encoding(text), segments(text)) == (Encoding.GSM7, 1)
    assert "(your account, " in text
    assert name in render_email(outbox[0]).text
    assert user_model().objects.get().username == name
