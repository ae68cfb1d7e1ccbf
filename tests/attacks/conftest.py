"""Migrated databases for the sites under attack."""

from __future__ import annotations

import pytest

from tests.support.databases import Databases


@pytest.fixture(scope="session")
def databases(tmp_path_factory, postgres_uri) -> Databases:
    return Databases(tmp_path_factory.mktemp("databases"), postgres_uri)
