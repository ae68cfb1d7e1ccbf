"""People, and the tests that the shape or the database under test can run."""

from __future__ import annotations

import pytest
from django.db import connection

from crudauth_django.identity.normalize import is_personal
from crudauth_django.users import field_of, user_model, user_shape
from tests.support.people import Person, can_claim


def unmet_needs() -> set[str]:
    """Name the markers of tests that have no meaning for this shape or database."""
    shape = user_shape()
    chosen = [n for n in shape.identifiers if n != shape.factor]
    met = {
        "needs_factor": shape.factor is not None,
        "needs_no_factor": shape.factor is None,
        "needs_claims": can_claim(),
        "needs_no_claims": shape.factor is not None and not can_claim(),
        "needs_chosen_name": not all(is_personal(field_of(n)) for n in chosen),
        "needs_own_columns": hasattr(user_model(), "nickname"),
        "needs_mysql": connection.vendor == "mysql",
    }
    return {marker for marker, is_met in met.items() if not is_met}


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    unmet = unmet_needs()
    deselected = [i for i in items if unmet & {m.name for m in i.iter_markers()}]
    config.hook.pytest_deselected(items=deselected)
    items[:] = [item for item in items if item not in set(deselected)]


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
    ada.browser.verify(outbox[-1].token)
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
