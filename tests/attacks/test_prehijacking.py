"""Account pre-hijacking: a stranger registers with another person's value first.

Sources: Sudhodanan and Paverd, "Pre-hijacked accounts" (USENIX Security 2022): the
*unexpired session*, *trojan identifier* and *unexpired email change* attacks (the two
with an identity provider need one); OWASP ASVS 5.0, V6.4 (recovery); CWE-283
(unverified ownership); CWE-204 for the tripwire on a value.

The person here opens every link that arrives, without a session. The first half runs
over real servers, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Any

import pytest
from django.db import models

from crudauth_django.security.updates import claim_value
from tests.support.client import NEW_PASSWORD, PASSWORD, Browser
from tests.support.site import NewUser, Site, new_user, site, statuses
from tests.support.temporary import installed
from tests.support.waiting import at_once, eventually

STRANGERS_PASSWORD = "mallory's own staple"
#: The number of parallel requests.
PARALLEL = 20


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def start(request, databases, tmp_path_factory):
    """Return a function that starts a site of a shape, on one of the databases."""

    def started(shape: str, **settings: object) -> Any:
        return site(
            "gunicorn-threads",
            database=databases.fresh(request.param, shape),
            folder=tmp_path_factory.mktemp(shape),
            shape=shape,
            **settings,
        )

    return started


@pytest.fixture(scope="module")
def phone_site(start):
    with start("phone") as running:
        yield running


@pytest.fixture(scope="module")
def closed_site(start):
    """A site where only verified accounts log in."""
    with start("phone", CRUDAUTH_LOGIN_REQUIRES_VERIFIED=True) as running:
        yield running


@pytest.fixture(scope="module")
def email_site(start):
    """A site where accounts log in by name or address."""
    with start("email_username") as running:
        yield running


@pytest.fixture(scope="module")
def address_site(start):
    """A site with the address as the only identifier, and the strict setting."""
    with start(
        "email",
        CRUDAUTH_LOGIN_REQUIRES_VERIFIED=True,
        CRUDAUTH_VERIFY_REQUIRES_PASSWORD=True,
    ) as running:
        yield running


def sent(attacked: Site, value: str, number: int) -> list[dict[str, Any]]:
    """Wait until a value has got this many messages."""

    def messages() -> list[dict[str, Any]]:
        found = [m for m in attacked.messages() if m["recipient"] == value]
        return found if len(found) >= number else []

    return eventually(messages)


def register_in_order(attacked: Site, *people: NewUser) -> list[dict[str, Any]]:
    """Register with one number, and wait for each message; returns all of them."""
    for number, person in enumerate(people, start=1):
        attacked.register(person)
        messages = sent(attacked, person.phone, number)
    return messages


def verify(attacked: Site, token: str, **options: Any) -> Any:
    body = {"token": token}
    if (password := options.pop("password", None)) is not None:
        body["password"] = password
    return attacked.post("/email/verify-confirm", body, **options)


def reset(attacked: Site, token: str) -> Any:
    body = {"token": token, "new_password": NEW_PASSWORD}
    return attacked.post("/password/reset-confirm", body)


def log_in(attacked: Site, identifier: str, password: str) -> int:
    body = {"username": identifier, "password": password}
    return attacked.post("/login", body).status_code


def stranger_of(person: NewUser) -> NewUser:
    """An account of a stranger with this person's number."""
    return NewUser(
        username=new_user().username,
        phone=person.phone,
        password=STRANGERS_PASSWORD,
    )


@pytest.mark.slow
def test_click_on_strangers_link_leaves_value_with_owner(email_site):
    name, strange = new_user().username, new_user().username
    address = f"{name}@example.com"
    passwords = {name: PASSWORD, strange: STRANGERS_PASSWORD}
    for number, (username, password) in enumerate(passwords.items(), start=1):
        body = {"username": username, "email": address, "password": password}
        email_site.post("/register", body)
        token = sent(email_site, address, number)[-1]["token"]

    response = verify(email_site, token)
    reset_message = sent(email_site, address, 3)[2]

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert response.json()["code"] == "password_required"
    assert log_in(email_site, address, PASSWORD) == HTTPStatus.OK
    assert log_in(email_site, address, STRANGERS_PASSWORD) == HTTPStatus.UNAUTHORIZED
    assert reset_message["kind"] == "reset_password"
    assert reset(email_site, reset_message["token"]).ok
    assert log_in(email_site, address, NEW_PASSWORD) == HTTPStatus.OK
    held = "SELECT username, email_verified FROM email_username_user WHERE email = %s"
    ((holder, verified),) = email_site.rows(held, address)
    assert (holder, bool(verified)) == (name, True)


@pytest.mark.slow
def test_owner_without_session_is_served_before_strangers(closed_site):
    owner = new_user()
    stranger = stranger_of(owner)
    register_in_order(closed_site, owner, stranger)
    closed_site.post("/email/verify-request", {"phone": owner.phone})
    messages = sent(closed_site, owner.phone, 3)

    clicks = [verify(closed_site, message["token"]) for message in messages]
    with_password = verify(closed_site, messages[-1]["token"], password=PASSWORD)

    assert [m["account"] for m in messages] == [
        owner.username,
        stranger.username,
        owner.username,
    ]
    assert {c.json()["code"] for c in clicks} == {"password_required"}
    assert with_password.ok
    assert closed_site.holders(owner.phone) == [owner.username]
    assert log_in(closed_site, owner.username, PASSWORD) == HTTPStatus.OK
    refused = log_in(closed_site, stranger.username, STRANGERS_PASSWORD)
    assert refused == HTTPStatus.UNAUTHORIZED


@pytest.mark.slow
def test_owner_takes_value_from_earlier_stranger(closed_site):
    owner = new_user()
    squatter = stranger_of(owner)
    squatters_link, own_link = register_in_order(closed_site, squatter, owner)

    click = verify(closed_site, squatters_link["token"])
    response = verify(closed_site, own_link["token"], password=PASSWORD)

    assert click.json()["code"] == "password_required"
    assert response.ok
    assert closed_site.holders(owner.phone) == [owner.username]
    assert log_in(closed_site, owner.username, PASSWORD) == HTTPStatus.OK
    refused = log_in(closed_site, squatter.username, STRANGERS_PASSWORD)
    assert refused == HTTPStatus.UNAUTHORIZED


@pytest.mark.slow
def test_click_arms_no_password_of_sole_squatter(address_site):
    address = f"{new_user().username}@example.com"
    address_site.post("/register", {"email": address, "password": STRANGERS_PASSWORD})
    (message,) = sent(address_site, address, 1)

    click = verify(address_site, message["token"])
    reset_message = sent(address_site, address, 2)[1]
    before = log_in(address_site, address, STRANGERS_PASSWORD)
    response = reset(address_site, reset_message["token"])

    assert click.json()["code"] == "password_required"
    assert before == HTTPStatus.UNAUTHORIZED
    assert response.ok
    after = log_in(address_site, address, STRANGERS_PASSWORD)
    assert after == HTTPStatus.UNAUTHORIZED
    assert log_in(address_site, address, NEW_PASSWORD) == HTTPStatus.OK


@pytest.mark.slow
def test_unexpired_session_ends_with_reset_of_owner(phone_site):
    owner = new_user()
    squatter = stranger_of(owner)
    phone_site.register(squatter)
    session = phone_site.log_in(squatter)
    phone_site.post("/password/reset-request", {"phone": owner.phone})

    response = reset(phone_site, phone_site.token("reset_password", owner.phone))

    assert response.ok
    me = phone_site.get("/me", session=session)
    assert me.status_code == HTTPStatus.UNAUTHORIZED
    refused = log_in(phone_site, squatter.username, STRANGERS_PASSWORD)
    assert refused == HTTPStatus.UNAUTHORIZED


@pytest.mark.slow
def test_unexpired_change_is_void_after_reset_of_owner(phone_site):
    owner, elsewhere = new_user(), new_user().phone
    squatter = stranger_of(owner)
    phone_site.register(squatter)
    body = {"new_phone": elsewhere, "password": STRANGERS_PASSWORD}
    phone_site.post("/email/change-request", body, session=phone_site.log_in(squatter))
    change = phone_site.token("change_recovery", elsewhere)
    phone_site.post("/password/reset-request", {"phone": owner.phone})

    owners = reset(phone_site, phone_site.token("reset_password", owner.phone))
    strangers = phone_site.post("/email/change-confirm", {"token": change})

    assert owners.ok
    assert strangers.status_code == HTTPStatus.BAD_REQUEST
    assert strangers.json()["code"] == "invalid_token"
    assert phone_site.holders(owner.phone) == [squatter.username]
    assert phone_site.holders(elsewhere) == []


@pytest.mark.slow
def test_click_on_strangers_change_leaves_value_with_owner(phone_site):
    owner, stranger = new_user(), new_user()
    phone_site.register(owner)
    phone_site.register(stranger)
    body = {"new_phone": owner.phone, "password": PASSWORD}
    phone_site.post("/email/change-request", body, session=phone_site.log_in(stranger))
    token = phone_site.token("change_recovery", owner.phone)

    click = phone_site.post("/email/change-confirm", {"token": token})

    assert click.json()["code"] == "password_required"
    assert phone_site.holders(owner.phone) == [owner.username]


@pytest.mark.slow
def test_claim_shows_nothing_when_owner_verifies(phone_site):
    """Two spies claim a number each; only the second number gets an owner."""
    watched = [new_user().phone for _ in range(2)]
    spies = [NewUser(username=new_user().username, phone=v) for v in watched]
    sessions, changes = [], []
    for spy in spies:
        phone_site.register(spy)
        session, own = phone_site.log_in(spy), new_user().phone
        body = {"new_phone": own, "password": PASSWORD}
        phone_site.post("/email/change-request", body, session=session)
        sessions.append(session)
        changes.append(phone_site.token("change_recovery", own))
    before = [phone_site.get("/me", session=s).json() for s in sessions]
    owner = NewUser(username=new_user().username, phone=watched[1])
    phone_site.register(owner)
    token = phone_site.token("verify_recovery", watched[1], account=owner.username)
    verified = verify(phone_site, token, password=PASSWORD)

    after = [phone_site.get("/me", session=s).json() for s in sessions]
    confirmed = [
        phone_site.post("/email/change-confirm", {"token": token}, session=session)
        for token, session in zip(changes, sessions, strict=True)
    ]

    assert verified.ok
    assert phone_site.holders(watched[1]) == [owner.username]
    assert after == before
    assert statuses(confirmed) == [HTTPStatus.OK] * 2


@pytest.mark.slow
@pytest.mark.parametrize("_round", range(3))
def test_parallel_confirmations_with_mixed_proof_redeem_once(phone_site, _round):
    owner = new_user()
    squatter = stranger_of(owner)
    messages = register_in_order(phone_site, squatter, owner)
    squatters_link, own_link = (message["token"] for message in messages)
    session = phone_site.log_in(owner)
    squatters_session = phone_site.log_in(squatter)
    requests = [
        *[partial(verify, phone_site, own_link)] * 4,
        *[partial(verify, phone_site, own_link, password=PASSWORD)] * 3,
        *[partial(verify, phone_site, own_link, session=session)] * 5,
        *[partial(verify, phone_site, squatters_link)] * 4,
        *[partial(verify, phone_site, squatters_link, session=squatters_session)] * 4,
    ]

    responses = at_once(requests)

    assert len(requests) == PARALLEL
    refused = [HTTPStatus.BAD_REQUEST] * (PARALLEL - 1)
    assert statuses(responses) == [HTTPStatus.OK, *refused]
    assert len(phone_site.holders(owner.phone)) == 1


@pytest.mark.slow
def test_parallel_resets_of_claim_redeem_token_once(phone_site):
    owner = new_user()
    squatter = stranger_of(owner)
    register_in_order(phone_site, squatter, owner)
    phone_site.rows("DELETE FROM phone_user WHERE username = %s", squatter.username)
    phone_site.post("/password/reset-request", {"phone": owner.phone})
    token = phone_site.token("reset_password", owner.phone)

    responses = at_once([partial(reset, phone_site, token)] * PARALLEL)

    refused = [HTTPStatus.BAD_REQUEST] * (PARALLEL - 1)
    assert statuses(responses) == [HTTPStatus.OK, *refused]
    assert phone_site.holders(owner.phone) == [owner.username]


class ActiveRows(models.Manager[Any]):
    """Hides deleted accounts, as a project with soft deletion does."""

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(deleted=False)


VALUE = "+12125552368"


@pytest.fixture
def soft_deleting(transactional_db):
    """A user model whose default manager hides deleted accounts."""
    attrs = {
        "LOGIN_IDENTIFIERS": ("username",),
        "RECOVERY_FACTOR": "mobile",
        "mobile": models.CharField(max_length=20, unique=True, null=True),
        "deleted": models.BooleanField(default=False),
        "objects": ActiveRows(),
    }
    with installed(**attrs) as model:
        yield model


def saved(model: Any, **values: Any) -> Any:
    account = model(**values)
    account.set_password(PASSWORD)
    account.save()
    return account


def test_hidden_unverified_holder_loses_value_to_owner(soft_deleting, outbox):
    hidden = saved(soft_deleting, username="hidden", mobile=VALUE, deleted=True)
    owner = saved(soft_deleting, username="owner", mobile_pending=VALUE)
    Browser().post("/email/verify-request", {"mobile": VALUE})
    token = outbox[-1].token

    click = Browser().verify(token)
    response = Browser().verify(token, PASSWORD)

    rows = soft_deleting._base_manager
    assert click.data["code"] == "password_required"
    assert response.status_code == HTTPStatus.OK
    assert rows.get(pk=owner.pk).mobile == VALUE
    hidden_row = rows.get(pk=hidden.pk)
    assert (hidden_row.mobile, hidden_row.mobile_pending) == (None, VALUE)


@pytest.mark.parametrize("path", ["/email/verify-request", "/password/reset-request"])
def test_value_of_hidden_verified_account_gets_no_link(soft_deleting, outbox, path):
    hidden = {"mobile": VALUE, "mobile_verified": True, "deleted": True}
    saved(soft_deleting, username="hidden", **hidden)
    saved(soft_deleting, username="owner", mobile_pending=VALUE)

    response = Browser().post(path, {"mobile": VALUE})

    assert response.status_code == HTTPStatus.OK
    assert outbox == []


def test_change_to_value_of_hidden_account_is_confirmed(soft_deleting, outbox):
    saved(soft_deleting, username="hidden", mobile=VALUE, deleted=True)
    owner = saved(soft_deleting, username="owner", mobile="+12125550123")
    browser = Browser()
    browser.log_in("owner")
    browser.post("/email/change-request", {"new_mobile": VALUE, "password": PASSWORD})

    response = browser.confirm_change(outbox[-1].token)

    assert response.status_code == HTTPStatus.OK
    assert soft_deleting._base_manager.get(pk=owner.pk).mobile == VALUE


def test_claim_of_stored_value_keeps_a_claim_after_transfer(soft_deleting):
    """The value may have moved since the request read the account."""
    account = saved(soft_deleting, username="spy", mobile=VALUE)
    stale = soft_deleting.objects.get(pk=account.pk)
    soft_deleting._base_manager.update(mobile=None, mobile_pending=VALUE)

    claim_value(stale, VALUE)

    row = soft_deleting.objects.get(pk=account.pk)
    assert (row.mobile, row.mobile_pending) == (None, VALUE)
