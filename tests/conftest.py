"""Fixtures of every test, and the tests that only run on request."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator

import hypothesis
import pytest
from django.utils import translation

from crudauth_django.channels import locmem
from crudauth_django.counters import DatabaseCounters
from crudauth_django.users import user_model
from tests.support import parts
from tests.support.client import PASSWORD, Browser
from tests.support.databases import Databases

# The time of an example means nothing where many processes share a machine.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Deselect the tests of a browser where ``CRUDAUTH_BROWSER`` names none."""
    if os.environ.get("CRUDAUTH_BROWSER"):
        return
    deselected = [item for item in items if item.get_closest_marker("browser")]
    config.hook.pytest_deselected(items=deselected)
    items[:] = [item for item in items if not item.get_closest_marker("browser")]


@pytest.fixture(autouse=True)
def outbox() -> Iterator[list]:
    """Every message that was delivered during the test, in order."""
    locmem.outbox.clear()
    yield locmem.outbox
    locmem.outbox.clear()


@pytest.fixture(autouse=True)
def no_pruning(monkeypatch) -> None:
    """Run no statement that depends on the time since the process began."""
    monkeypatch.setattr(DatabaseCounters, "prune_every", math.inf)


@pytest.fixture(autouse=True)
def language() -> Iterator[None]:
    """Reset the language, which ``LocaleMiddleware`` leaves set for its thread."""
    translation.deactivate()
    yield
    translation.deactivate()


@pytest.fixture
def api() -> Browser:
    """A client of the API in this process; CSRF tokens are checked."""
    return Browser()


@pytest.fixture
def ada(db):
    """An account with a phone that is not verified (shape ``phone``)."""
    return user_model().objects.create_user(
        username="ada", phone="+12125552368", password=PASSWORD
    )


@pytest.fixture(scope="session")
def postgres_uri() -> Iterator[str]:
    with parts.postgres() as uri:
        yield uri


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    with parts.valkey() as url:
        yield url


@pytest.fixture(scope="session")
def databases(tmp_path_factory, postgres_uri) -> Databases:
    return Databases(tmp_path_factory.mktemp("databases"), postgres_uri)
