"""A gateway over HTTP, a gateway over TLS, and messages to send."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest

from crudauth_django.channels.base import DeliveryIntent
from crudauth_django.testing import SAMPLE_TOKEN
from tests.support.certificates import Keys, make_keys
from tests.support.providers import Gateway, running

RECIPIENT = "+15551234567"


def make_intent(**changes) -> DeliveryIntent:
    """Return the intent of a password reset, with ``changes``."""
    return DeliveryIntent(
        **{
            "id": "0123456789abcdef0123456789abcdef",
            "kind": "reset_password",
            "token": SAMPLE_TOKEN,
            "recipient": RECIPIENT,
            "account": "neo",
            "language": "en",
            "expires_in": timedelta(hours=1),
            "link": f"https://app.example.com/reset?token={SAMPLE_TOKEN}",
            **changes,
        }
    )


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
