"""A gateway over HTTP, and one over TLS."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.support.certificates import Keys, make_keys
from tests.support.providers import Gateway, running


@pytest.fixture(scope="session")
def keys(tmp_path_factory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def gateway(keys) -> Iterator[Gateway]:
    with running(keys) as server:
        yield server


@pytest.fixture
def tls_gateway(keys, monkeypatch) -> Iterator[Gateway]:
    """A gateway over TLS, with a certificate that ``requests`` trusts."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(keys.certificate_file))
    with running(keys, tls=True) as server:
        yield server


@pytest.fixture
def everything_logged(caplog) -> pytest.LogCaptureFixture:
    """The log of every logger, at every level."""
    caplog.set_level(logging.NOTSET)
    return caplog
