"""The example's page, used as a person uses it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

PASSWORD, NEW_PASSWORD = "a-strong-one", "a-new-strong-one"
PHONE, NEW_PHONE = "+15551234567", "+15557654321"


def look(page, name):
    """Keep a picture where ``CRUDAUTH_SCREENSHOTS`` names a folder."""
    if folder := os.environ.get("CRUDAUTH_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def register(page):
    page.goto("/")
    form = page.locator("#register")
    form.get_by_label("User name").fill("neo")
    form.get_by_label("Phone").fill("+1 (555) 123-4567")
    form.get_by_label("Password").fill(PASSWORD)
    look(page, "1-register")
    form.get_by_role("button").click()
    says(page, "Welcome")


def log_in(page, password=PASSWORD):
    page.locator("#login").get_by_label("User name").fill("neo")
    page.locator("#login").get_by_label("Password").fill(password)
    page.locator("#login").get_by_role("button").click()


def says(page, text):
    page.locator("#message", has_text=text).wait_for()


def newest_link(page, text):
    return page.locator("#messages li", has_text=text).first.get_by_role("link")


def test_register_verify_and_pass_the_gate(page):
    register(page)
    newest_link(page, "Verify your number").wait_for()
    look(page, "2-registered")
    log_in(page)
    page.get_by_text("Hello, neo").wait_for()
    page.get_by_role("button", name="Enter the members").click()
    says(page, "Verify your account first.")
    look(page, "3-gate-closed")

    newest_link(page, "Verify your number").click()
    page.get_by_role("heading", name="Verify your number").wait_for()
    look(page, "4-verify")
    page.get_by_role("button", name="Verify my number").click()
    says(page, "Verified.")
    page.get_by_role("button", name="Enter the members").click()
    says(page, "Welcome to the members")
    look(page, "5-gate-open")

    assert page.locator("#badge").inner_text() == "verified"


def test_a_link_is_not_spent_by_being_opened_and_only_once_by_being_used(page):
    register(page)
    address = newest_link(page, "Verify your number").get_attribute("href")

    for _look in range(2):
        page.goto(address)
    page.get_by_role("button", name="Verify my number").click()
    says(page, "Verified.")
    page.goto(address)
    page.get_by_role("button", name="Verify my number").click()

    says(page, "invalid or has expired")
    assert "token" not in page.url


def test_a_forgotten_password_is_reset_over_the_phone(page):
    register(page)
    page.get_by_role("tab", name="Forgot password").click()
    page.locator("#forgotten").get_by_label("Phone").fill(PHONE)
    page.locator("#forgotten").get_by_role("button").click()
    says(page, "we have sent a message")
    look(page, "6-forgotten")

    newest_link(page, "Reset your password").click()
    page.locator("#reset").get_by_label("New password").fill("short")
    page.get_by_role("button", name="Set the password").click()
    page.get_by_text("Use between 8 and").wait_for()
    look(page, "7-weak-password")
    page.locator("#reset").get_by_label("New password").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    says(page, "Log in with the new one.")
    log_in(page)
    says(page, "Incorrect login or password.")
    look(page, "8-old-password")
    log_in(page, NEW_PASSWORD)

    page.get_by_text("Hello, neo").wait_for()


def test_the_number_moves_once_the_new_one_is_proven(page):
    register(page)
    log_in(page)
    page.get_by_text("Change the number").click()
    form = page.locator("#change-number")
    form.get_by_label("New phone").fill(NEW_PHONE)
    form.get_by_label("Password").fill("not-the-password")
    look(page, "9-change")
    form.get_by_role("button").click()
    page.locator("#change-number-password-error").wait_for()
    form.get_by_label("Password").fill(PASSWORD)
    form.get_by_role("button").click()
    says(page, "to confirm the change")

    newest_link(page, "Confirm your new number").click()
    page.get_by_role("button", name="Use this number").click()
    says(page, "Changed.")
    look(page, "10-changed")

    assert page.locator("[data-me=phone]").inner_text() == NEW_PHONE


def test_mistakes_are_named_beside_their_fields(page):
    register(page)
    page.get_by_role("tab", name="Register").click()
    form = page.locator("#register")
    form.get_by_label("User name").fill("neo")
    form.get_by_label("Phone").fill("12")
    form.get_by_label("Password").fill("a-strong-one")
    form.get_by_role("button").click()

    page.locator("#register-phone-error").wait_for()
    look(page, "11-mistakes")
    assert form.get_by_label("Phone").get_attribute("aria-invalid") == "true"


def test_it_fits_a_phone(page):
    page.set_viewport_size({"width": 375, "height": 740})
    register(page)
    look(page, "12-small")

    width = page.evaluate("document.documentElement.scrollWidth")

    assert width <= 375


def test_it_is_readable_in_the_dark(page):
    page.emulate_media(color_scheme="dark")
    register(page)
    newest_link(page, "Verify your number").wait_for()
    look(page, "13-dark")

    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert ground == "rgb(16, 23, 22)"
