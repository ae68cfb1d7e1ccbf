"""Chromium, and the example project to open in it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import pytest

from tests.support.example import served_example


@pytest.fixture(scope="module")
def chromium():
    """The Chromium that ``CRUDAUTH_BROWSER`` names, headless.

    It closes with the module: Django refuses queries while its event loop runs.
    """
    from playwright.sync_api import sync_playwright

    with (
        tempfile.TemporaryDirectory() as profile,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=os.environ["CRUDAUTH_BROWSER"],
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                f"--disk-cache-dir={profile}",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def site() -> Iterator[str]:
    """The example project, served with a fresh database."""
    with served_example() as url:
        yield url


@pytest.fixture
def page(chromium, site):
    """A new visitor's page; script errors and requests to other sites fail the test."""
    context = chromium.new_context(
        base_url=site, viewport={"width": 1100, "height": 860}
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith(site) else problems.append(request.url)
        ),
    )
    yield page
    context.close()
    assert problems == []
