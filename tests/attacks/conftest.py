"""Migrated databases for the sites under attack."""

from __future__ import annotations

import pytest

from tests.attacks.site import Databases


@pytest.fixture(scope="session")
def databases(tmp_path_factory, postgres_uri) -> Databases:
    return Databases(tmp_path_factory.mktemp("databases"), postgres_uri)
