"""The people, and the choice of the files that apply to the shape under test."""

from __future__ import annotations

import pytest
from django.db import connection

from crudauth_django.identity.normalize import is_personal
from crudauth_django.users import field_of, user_model, user_shape
from tests.behaviour.people import Person, can_claim

_NEEDS_A_FACTOR = [
    "test_recovery_change.py",
    "test_claims.py",
    "test_one_account_for_a_value.py",
    "test_recovery.py",
]
collect_ignore = [] if user_shape().factor else list(_NEEDS_A_FACTOR)
if user_shape().factor:
    collect_ignore += [
        "test_no_recovery.py",
        "test_one_account_for_a_value.py" if can_claim() else "test_claims.py",
    ]
if all(
    n == user_shape().factor or is_personal(field_of(n))
    for n in user_shape().identifiers
):
    collect_ignore += [
        "test_public_identifiers.py",
        "test_public_identifiers_on_mariadb.py",
    ]
if connection.vendor != "mysql":
    collect_ignore += ["test_mariadb.py", "test_public_identifiers_on_mariadb.py"]
if not hasattr(user_model(), "nickname"):
    collect_ignore.append("test_registration_fields.py")


@pytest.fixture
def ada(db) -> Person:
    """A person without an account."""
    return Person(number=0)


@pytest.fixture
def bob(db) -> Person:
    """A person without an account."""
    return Person(number=1)


@pytest.fixture
def eve(db) -> Person:
    """A person without an account."""
    return Person(number=2)


@pytest.fixture
def verified_ada(ada, outbox) -> Person:
    """A person with a session and a verified account."""
    ada.register()
    ada.browser.post("/email/verify-confirm", {"token": outbox[-1].token})
    ada.log_in()
    outbox.clear()
    return ada


@pytest.fixture
def unverified_ada(ada, outbox) -> Person:
    """A person with a session and an unverified account."""
    ada.register()
    ada.log_in()
    outbox.clear()
    return ada
