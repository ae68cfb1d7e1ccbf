"""People, clients and parts."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from crudauth_django.channels import locmem
from crudauth_django.identity import user_model
from rest_framework.test import APIClient

from tests import parts

#: A password that every validator accepts.
PASSWORD = "correct horse battery"
NEW_PASSWORD = "a whole new staple"


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave out what needs a browser, and figures, unless they are asked for."""
    left_out = set()
    if not os.environ.get("CRUDAUTH_BROWSER"):
        left_out.add("browser")
    if "benchmark" not in config.getoption("markexpr"):
        left_out.add("benchmark")
    chosen = [i for i in items if not any(i.get_closest_marker(m) for m in left_out)]
    config.hook.pytest_deselected(items=[i for i in items if i not in chosen])
    items[:] = chosen


@pytest.fixture(autouse=True)
def outbox() -> Iterator[list]:
    """Every message that was delivered during the test, in order."""
    locmem.outbox.clear()
    yield locmem.outbox
    locmem.outbox.clear()


@pytest.fixture
def api() -> APIClient:
    """A browser that sends JSON and whose CSRF tokens are checked."""
    return APIClient(enforce_csrf_checks=True)


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
