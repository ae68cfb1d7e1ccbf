"""A proxy that the settings do not know of."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from crudauth_django import client

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def new_process() -> Iterator[None]:
    client.warn_of_proxy.cache_clear()
    yield
    client.warn_of_proxy.cache_clear()


def warnings_in(caplog) -> list[str]:
    records = [r for r in caplog.records if r.name == client.logger.name]
    assert {r.levelno for r in records} <= {logging.WARNING}
    return [r.getMessage() for r in records]


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_header_of_unknown_proxy_is_logged_once(api, caplog, header):
    for number in range(3):
        api.log_in(headers={header: f"for=192.0.2.{number}"})

    (text,) = warnings_in(caplog)
    assert header in text
    assert "CRUDAUTH_TRUSTED_PROXIES is 0" in text
    assert "192.0.2" not in text


def test_header_of_known_proxy_is_not_logged(api, settings, caplog):
    settings.CRUDAUTH_TRUSTED_PROXIES = 1

    api.log_in(headers={"X-Forwarded-For": "192.0.2.1"})

    assert warnings_in(caplog) == []


def test_request_without_proxy_is_not_logged(api, caplog):
    api.log_in()

    assert warnings_in(caplog) == []
