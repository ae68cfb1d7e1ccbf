"""The credentials in ``CRUDAUTH_CHANNELS`` appear in no output."""

import pytest
from django.views.debug import SafeExceptionReporterFilter

from crudauth_django.channels.base import get_channels
from crudauth_django.checks.channels import check_channels
from crudauth_django.conf.settings import get_settings

SECRET = "a-secret-that-is-long-enough-to-be-one"
CHANNELS = {
    "twilio.TwilioChannel": {
        "account_sid": "AC1",
        "auth_token": SECRET,
        "sender": "+15005550006",
    },
    "vonage.VonageChannel": {
        "credentials": {"api_key": "k", "api_secret": SECRET},
        "sender": "+15005550006",
    },
    "webhook.WebhookChannel": {"url": "https://example.com", "secret": SECRET},
    "apprise.AppriseChannel": {"urls": f"json://u:{SECRET}@127.0.0.1/{{recipient}}"},
}


def registered(name: str, **options) -> dict[str, object]:
    path = f"crudauth_django.channels.{name}"
    return {"BACKEND": path, "OPTIONS": CHANNELS[name] | options}


@pytest.mark.parametrize("name", sorted(CHANNELS))
def test_repr_of_channel_shows_no_credentials(settings, name):
    fallback = "crudauth_django.channels.fallback.FallbackChannel"
    settings.CRUDAUTH_CHANNELS = [
        registered(name),
        {"BACKEND": fallback, "OPTIONS": {"channels": [registered(name)]}},
    ]

    shown = repr(get_settings()) + repr(dict(get_channels()))

    assert name in shown
    assert SECRET not in shown


@pytest.mark.parametrize("name", sorted(CHANNELS))
def test_failing_check_shows_no_credentials(settings, name):
    settings.CRUDAUTH_CHANNELS = [registered(name, no_such_option=SECRET)]

    (problem,) = check_channels()

    assert problem.id == "crudauth.E012"
    assert SECRET not in str(problem)


def test_debug_page_hides_channel_credentials(settings):
    settings.CRUDAUTH_CHANNELS = [registered("twilio.TwilioChannel")]

    shown = SafeExceptionReporterFilter().get_safe_settings()["CRUDAUTH_CHANNELS"]

    assert SECRET not in str(shown)
