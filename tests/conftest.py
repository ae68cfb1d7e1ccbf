"""People, clients and parts."""

from __future__ import annotations

import os
from collections.abc import Iterator

import hypothesis
import pytest
from django.utils import translation
from rest_framework.test import APIClient

from crudauth_django.channels import locmem
from crudauth_django.users import user_model
from tests.support import parts

#: A password that every validator accepts.
PASSWORD = "correct horse battery"
NEW_PASSWORD = "a whole new staple"

#: Names that a test module has only where it starts servers or other processes.
STARTS_PROCESSES = frozenset({"parts", "requests", "run_example", "subprocess"})

# How fast an example runs says nothing where many processes share a machine.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave out what needs a browser, and figures, unless they are asked for.

    What starts other processes is marked as slow.
    """
    for item in items:
        if vars(item.module).keys() & STARTS_PROCESSES:
            item.add_marker("slow")
    left_out = set()
    if not os.environ.get("CRUDAUTH_BROWSER"):
        left_out.add("browser")
    if "benchmark" not in config.getoption("markexpr"):
        left_out.add("benchmark")
    passed_over = [i for i in items if any(i.get_closest_marker(m) for m in left_out)]
    config.hook.pytest_deselected(items=passed_over)
    unwanted = set(passed_over)
    items[:] = [item for item in items if item not in unwanted]


@pytest.fixture(autouse=True)
def outbox() -> Iterator[list]:
    """Every message that was delivered during the test, in order."""
    locmem.outbox.clear()
    yield locmem.outbox
    locmem.outbox.clear()


@pytest.fixture(autouse=True)
def language() -> Iterator[None]:
    """Leave no language behind: ``LocaleMiddleware`` does, for its thread."""
    yield
    translation.deactivate()


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
