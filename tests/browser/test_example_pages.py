"""The example's page in a browser, from registration to a changed number."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

PASSWORD, NEW_PASSWORD = "a-strong-one", "a-new-strong-one"
PHONE, NEW_PHONE = "+15551234567", "+15557654321"


def take_screenshot(page, name):
    """Store a screenshot in the folder that ``CRUDAUTH_SCREENSHOTS`` names."""
    if folder := os.environ.get("CRUDAUTH_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def register(page, name="neo"):
    page.goto("/")
    form = page.locator("#register")
    form.get_by_label("User name").fill(name)
    form.get_by_label("Phone").fill("+1 (555) 123-4567")
    form.get_by_label("Password").fill(PASSWORD)
    take_screenshot(page, "1-register")
    form.get_by_role("button").click()
    wait_for_message(page, "Welcome")


def log_in(page, password=PASSWORD):
    page.locator("#login").get_by_label("User name").fill("neo")
    page.locator("#login").get_by_label("Password").fill(password)
    page.locator("#login").get_by_role("button").click()


def wait_for_message(page, text):
    page.locator("#message", has_text=text).wait_for()


def newest_link(page, text):
    return page.locator("#messages li", has_text=text).first.get_by_role("link")


def test_verified_account_enters_members_room(page):
    register(page)
    newest_link(page, "Verify your number").wait_for()
    take_screenshot(page, "2-registered")
    log_in(page)
    page.get_by_text("Hello, neo").wait_for()
    page.get_by_role("button", name="Enter the members").click()
    wait_for_message(page, "Verify your account first.")
    take_screenshot(page, "3-members-refused")

    newest_link(page, "Verify your number").click()
    page.get_by_role("heading", name="Verify your number").wait_for()
    take_screenshot(page, "4-verify")
    page.get_by_role("button", name="Verify my number").click()
    wait_for_message(page, "Verified.")
    page.get_by_role("button", name="Enter the members").click()
    wait_for_message(page, "Welcome to the members")
    take_screenshot(page, "5-members-entered")

    assert page.locator("#badge").inner_text() == "verified"


def test_link_for_number_of_two_accounts_needs_password(page):
    register(page)
    register(page, "trinity")
    page.locator("#messages li").nth(1).wait_for()
    newest_link(page, "Verify your number").click()
    form = page.locator("#verify")

    form.get_by_role("button").click()
    wait_for_message(page, "Enter this account's password")
    form.get_by_label("Password").fill(PASSWORD)
    form.get_by_role("button").click()

    wait_for_message(page, "Verified.")


def test_link_can_be_opened_twice_and_redeemed_once(page):
    register(page)
    address = newest_link(page, "Verify your number").get_attribute("href")

    for _visit in range(2):
        page.goto(address)
    page.get_by_role("button", name="Verify my number").click()
    wait_for_message(page, "Verified.")
    page.goto(address)
    page.get_by_role("button", name="Verify my number").click()

    wait_for_message(page, "invalid or has expired")
    assert "token" not in page.url


def test_forgotten_password_is_reset_by_sms(page):
    register(page)
    page.get_by_role("tab", name="Forgot password").click()
    page.locator("#forgotten").get_by_label("Phone").fill(PHONE)
    page.locator("#forgotten").get_by_role("button").click()
    wait_for_message(page, "we have sent a message")
    take_screenshot(page, "6-forgotten")

    newest_link(page, "Reset your password").click()
    page.locator("#reset").get_by_label("New password").fill("short")
    page.get_by_role("button", name="Set the password").click()
    page.get_by_text("Use between 8 and").wait_for()
    take_screenshot(page, "7-weak-password")
    page.locator("#reset").get_by_label("New password").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    wait_for_message(page, "Log in with the new one.")
    log_in(page)
    wait_for_message(page, "Incorrect login or password.")
    take_screenshot(page, "8-old-password")
    log_in(page, NEW_PASSWORD)

    page.get_by_text("Hello, neo").wait_for()


def test_number_changes_after_new_number_is_verified(page):
    register(page)
    log_in(page)
    page.get_by_text("Change the number").click()
    form = page.locator("#change-number")
    form.get_by_label("New phone").fill(NEW_PHONE)
    form.get_by_label("Password").fill("not-the-password")
    take_screenshot(page, "9-change")
    form.get_by_role("button").click()
    page.locator("#change-number-password-error").wait_for()
    form.get_by_label("Password").fill(PASSWORD)
    form.get_by_role("button").click()
    wait_for_message(page, "to confirm the change")

    newest_link(page, "Confirm your new number").click()
    page.get_by_role("button", name="Use this number").click()
    wait_for_message(page, "Changed.")
    take_screenshot(page, "10-changed")

    assert page.locator("[data-me=phone]").inner_text() == NEW_PHONE


def test_malformed_value_shows_error_beside_field(page):
    register(page)
    page.get_by_role("tab", name="Register").click()
    form = page.locator("#register")
    form.get_by_label("User name").fill("neo")
    form.get_by_label("Phone").fill("12")
    form.get_by_label("Password").fill("a-strong-one")
    form.get_by_role("button").click()

    page.locator("#register-phone-error").wait_for()
    take_screenshot(page, "11-malformed-value")
    assert form.get_by_label("Phone").get_attribute("aria-invalid") == "true"


def test_page_fits_screen_of_phone(page):
    page.set_viewport_size({"width": 375, "height": 740})
    register(page)
    take_screenshot(page, "12-small")

    width = page.evaluate("document.documentElement.scrollWidth")

    assert width <= 375


def test_page_is_dark_in_dark_mode(page):
    page.emulate_media(color_scheme="dark")
    register(page)
    newest_link(page, "Verify your number").wait_for()
    take_screenshot(page, "13-dark")

    background = page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert background == "rgb(16, 23, 22)"
