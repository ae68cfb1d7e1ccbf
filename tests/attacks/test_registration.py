"""Registration: keys, unique columns and names reveal no other account.

Sources: OWASP WSTG-IDNT-04 (account enumeration), OWASP Authentication Cheat Sheet
("Account Creation"), CWE-204 (observable response discrepancy), CWE-340 (predictable
numbers), CWE-694 (several resources with one identifier).
"""

from __future__ import annotations

import base64
import logging
from http import HTTPStatus
from typing import Any

import pytest
from django.db import models
from django.db.models.functions import Lower
from django.db.models.signals import post_save, pre_save
from phonenumber_field.modelfields import PhoneNumberField

from crudauth_django.flows.decoys import DECOY_PASSWORD
from crudauth_django.models import AbstractAuthUser
from crudauth_django.users import user_model
from tests.support.client import PASSWORD, Browser
from tests.support.site import site
from tests.support.soft_deletion import LONG_AGO, soft_deletion
from tests.support.statements import user_table_statements
from tests.support.temporary import installed
from tests.support.waiting import eventually

#: The tables of temporary models are made and dropped outside of a transaction.
temporary = pytest.mark.django_db(transaction=True)

HELD = "held@example.com"


@pytest.fixture(autouse=True)
def discarded(settings) -> None:
    """Leave only the work of the request."""
    settings.CRUDAUTH_DISPATCHER = "tests.support.dispatchers.DiscardingDispatcher"


def sole_email(**fields: object) -> dict[str, object]:
    """Declare accounts that log in with the address they recover by."""
    return {"LOGIN_IDENTIFIERS": ("email",), "RECOVERY_FACTOR": "email", **fields}


def phone_field() -> models.Field:
    return PhoneNumberField(unique=True, null=True, blank=True)


def register(**values: str) -> Any:
    return Browser().post("/register", {**values, "password": PASSWORD})


def key_in(token: str) -> int:
    """Return the account's key, which the owner of a token can read."""
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    return int.from_bytes(raw[21:], "big")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_keys_between_registrations_hide_held_value(databases, tmp_path, kind):
    database = databases.fresh(kind, "email")
    with site(
        "gunicorn-threads", database=database, folder=tmp_path, shape="email"
    ) as attacked:

        def post(path: str, **body: str) -> None:
            response = attacked.post(path, body)
            assert response.ok, response.text

        def own_key(name: str) -> int:
            address = f"{name}@example.com"
            post("/register", email=address, password=PASSWORD)
            return key_in(attacked.token("verify_recovery", address))

        post("/register", email=HELD, password=PASSWORD)
        held_token = attacked.token("verify_recovery", HELD)
        post("/email/verify-confirm", token=held_token)
        gaps = []
        for number, value in enumerate([HELD, "free@example.com", HELD]):
            before = own_key(f"before{number}")
            post("/register", email=value, password=PASSWORD)
            gaps.append(own_key(f"after{number}") - before)

        assert gaps == [2, 2, 2]
        assert eventually(lambda: attacked.rows("SELECT 1 FROM email_user"))
        decoys = "SELECT 1 FROM email_user WHERE password = %s"
        assert attacked.rows(decoys, DECOY_PASSWORD) == []


@temporary
@pytest.mark.parametrize(
    ("name", "field", "held", "free"),
    [
        ("email", models.EmailField(unique=True), HELD, "free@example.com"),
        ("email", models.EmailField(unique=True, max_length=24), HELD, "f@example.com"),
        ("phone", PhoneNumberField(unique=True), "+12125550111", "+12125550112"),
        ("chat", models.CharField(max_length=12, unique=True), "wa.1", "wa.2"),
        ("chat", models.BigIntegerField(unique=True), "7", "8"),
        ("chat", models.PositiveSmallIntegerField(unique=True), "7", "8"),
    ],
    ids=["address", "short", "phone", "text", "number", "small"],
)
def test_held_value_of_every_type_spends_a_key(name, field, held, free):
    attrs = {"LOGIN_IDENTIFIERS": (name,), "RECOVERY_FACTOR": name, name: field}
    with installed(**attrs) as model:
        register(**{name: held})
        responses, executed = [], []
        for value in (held, free):
            with user_table_statements() as statements:
                responses.append(register(**{name: value}))
            executed.append(statements)

        accounts = model.objects.order_by("pk")

        assert [r.status_code for r in responses] == [HTTPStatus.ACCEPTED] * 2
        assert responses[0].data == responses[1].data
        assert executed == [["SELECT", "INSERT", "DELETE"]] * 2
        assert [account.pk for account in accounts] == [1, 3]


@temporary
def test_receivers_of_signals_get_no_decoy():
    seen: list[object] = []

    def receive(instance: object, **_kwargs: object) -> None:
        if isinstance(instance, AbstractAuthUser):
            seen.append(instance)

    with installed(**sole_email()):
        register(email=HELD)
        for signal in (pre_save, post_save):
            signal.connect(receive)
        register(email=HELD)
        for signal in (pre_save, post_save):
            signal.disconnect(receive)

    assert seen == []


@temporary
def test_refused_decoy_keeps_response_and_is_logged(caplog):
    class Meta:
        app_label = "phone"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(email__endswith="@example.com"), name="ours"
            )
        ]

    with installed(**sole_email(Meta=Meta)) as model:
        first = register(email=HELD)
        with caplog.at_level(logging.ERROR, logger="crudauth_django"):
            second = register(email=HELD)

        assert (first.status_code, first.data) == (second.status_code, second.data)
        assert "refused a decoy (IntegrityError)" in caplog.text
        assert HELD not in caplog.text
        assert model.objects.count() == 1


def named_adult() -> models.Field:
    return models.CheckConstraint(condition=models.Q(age__gte=18), name="adult")


@temporary
@pytest.mark.parametrize(
    ("field", "constraint", "value", "status"),
    [
        (models.IntegerField(null=True), named_adult, "3", HTTPStatus.CONFLICT),
        (models.IntegerField(), named_adult, "3", HTTPStatus.CONFLICT),
        (
            models.CharField(max_length=9, default=""),
            lambda: models.UniqueConstraint(Lower("age"), name="one"),
            "FORTY",
            HTTPStatus.CONFLICT,
        ),
        (
            models.DurationField(null=True),
            None,
            "999999999 00:00:00",
            HTTPStatus.BAD_REQUEST,
        ),
    ],
    ids=["optional", "required", "expression", "too large"],
)
def test_refused_extra_gets_same_response_for_held_address(
    settings, field, constraint, value, status
):
    settings.CRUDAUTH_REGISTER_EXTRA_FIELDS = ["age"]
    meta = {"app_label": "phone", "constraints": [constraint()] if constraint else []}
    attrs = sole_email(age=field, Meta=type("Meta", (), meta))
    with installed(**attrs) as model:
        right = {"FORTY": "forty"}.get(value, "40")
        assert register(email=HELD, age=right).status_code == HTTPStatus.ACCEPTED
        seen = []
        for email in (HELD, "free@example.com"):
            with user_table_statements() as statements:
                response = register(email=email, age=value)
            seen.append((response.status_code, response.data, statements[-2:]))

        assert seen[0] == seen[1]
        assert seen[0][0] == status
        assert model.objects.count() == 1


@pytest.mark.slow
def test_refused_json_gets_same_response_on_postgresql(databases, tmp_path):
    database = databases.fresh("postgresql", "email")
    with site(
        "gunicorn-threads",
        database=database,
        folder=tmp_path,
        shape="email",
        CRUDAUTH_REGISTER_EXTRA_FIELDS=["details"],
    ) as attacked:
        body = {"email": HELD, "password": PASSWORD}
        assert attacked.post("/register", body).ok
        refused = [
            attacked.post("/register", {**body, "email": email, "details": details})
            for details in ({"a": "\0"}, ["\ud800"])
            for email in (HELD, "free@example.com")
        ]

        assert {r.status_code for r in refused} == {HTTPStatus.BAD_REQUEST}
        assert {r.text for r in refused} == {refused[0].text}


@temporary
def test_held_address_among_extras_gets_same_response(settings):
    settings.CRUDAUTH_REGISTER_EXTRA_FIELDS = ["email"]
    attrs = {
        "LOGIN_IDENTIFIERS": ("username",),
        "RECOVERY_FACTOR": "phone",
        "phone": phone_field(),
        "email": models.EmailField(unique=True),
    }
    with installed(**attrs) as model:
        register(username="ada", phone="+12125550111", email=HELD)
        seen = []
        for name, phone, email in (
            ("bob", "+12125550112", HELD),
            ("eve", "+12125550113", "free@example.com"),
        ):
            with user_table_statements() as statements:
                response = register(username=name, phone=phone, email=email)
            seen.append((response.status_code, response.data, statements))

        assert seen[0] == seen[1]
        assert seen[0][0] == HTTPStatus.ACCEPTED
        names = model.objects.order_by("pk").values_list("pk", "username")
        assert list(names) == [(1, "ada"), (3, "eve")]


@temporary
def test_blank_address_among_extras_is_reported(settings):
    settings.CRUDAUTH_REGISTER_EXTRA_FIELDS = ["email"]
    attrs = {
        "LOGIN_IDENTIFIERS": ("username",),
        "RECOVERY_FACTOR": "phone",
        "phone": phone_field(),
        "email": models.EmailField(unique=True, blank=True),
    }
    with installed(**attrs):
        register(username="ada", phone="+12125550111", email="")
        response = register(username="bob", phone="+12125550112", email="")

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert list(response.data) == ["email"]


TWO_NAMES = {
    "LOGIN_IDENTIFIERS": ("username", "member"),
    "RECOVERY_FACTOR": "phone",
    "phone": phone_field(),
    "member": models.CharField(max_length=20, unique=True),
}


@temporary
@pytest.mark.parametrize("field", ["username", "member"])
@pytest.mark.parametrize("factor", ["phone", None])
def test_name_of_one_column_is_taken_in_the_other(field, factor):
    with installed(**{**TWO_NAMES, "RECOVERY_FACTOR": factor}):
        phone = {"phone": "+12125550111"} if factor else {}
        ada = {"username": "ada", "member": "neo"}
        if field == "member":
            ada = {"username": "neo", "member": "ada"}
        register(**ada, **phone)
        stranger = {"username": "mallory", "member": "m-1", field: " N\uff25O "}

        response = register(**stranger, **phone)
        login = Browser().log_in("neo")

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert list(response.data) == [field]
    assert login.status_code == HTTPStatus.OK
    assert login.data["username"] == ada["username"]


@temporary
def test_account_may_have_one_text_in_both_columns():
    with installed(**TWO_NAMES) as model:
        response = register(username="neo", member="neo", phone="+12125550111")
        model.objects.get().full_clean()

    assert response.status_code == HTTPStatus.ACCEPTED


@temporary
def test_form_refuses_name_of_the_other_column():
    with installed(**TWO_NAMES) as model:
        model.objects.create_user(username="ada", member="neo")
        mallory = model(username="neo", member="m-1", password=PASSWORD)

        with pytest.raises(Exception, match="already in use") as caught:
            mallory.full_clean()

    assert list(caught.value.message_dict) == ["username"]


@pytest.mark.django_db
def test_hidden_account_frees_no_name():
    hidden = user_model()(username="ada", date_joined=LONG_AGO)
    hidden.set_password(PASSWORD)
    hidden.save()
    with soft_deletion():
        response = register(username="ada", phone="+12125550112")
        login = Browser().log_in("ada")

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert list(response.data) == ["username"]
    assert login.status_code == HTTPStatus.UNAUTHORIZED
