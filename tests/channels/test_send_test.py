"""``manage.py crudauth_send_test``."""

import re
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from crudauth_django.testing import SAMPLE_TOKEN
from tests.support.messages import RECIPIENT
from tests.support.parts import environment
from tests.support.providers import ACCOUNT_SID, AUTH_TOKEN, Reply

TWILIO = "crudauth_django.channels.twilio.TwilioChannel"
WEBHOOK = "crudauth_django.channels.webhook.WebhookChannel"
EMAIL = "crudauth_django.channels.email.EmailChannel"
FALLBACK = "crudauth_django.channels.fallback.FallbackChannel"
LOCMEM = "crudauth_django.channels.locmem.LocMemChannel"


def twilio(gateway, **options):
    return {
        "BACKEND": TWILIO,
        "OPTIONS": {
            "account_sid": ACCOUNT_SID,
            "auth_token": AUTH_TOKEN,
            "sender": "+15005550006",
            "api_url": gateway.url,
            **options,
        },
    }


def webhook(gateway):
    options = {"url": f"{gateway.url}/hook", "secret": "0123456789abcdef01234567"}
    return {"BACKEND": WEBHOOK, "OPTIONS": options}


def send_test(*arguments) -> None:
    call_command("crudauth_send_test", *arguments, no_color=True)


def test_output_reports_result_of_every_channel(settings, gateway, capsys):
    settings.CRUDAUTH_CHANNELS = [twilio(gateway), webhook(gateway), LOCMEM, EMAIL]
    gateway.will(
        Reply(
            status=429,
            content={"code": 20429, "message": f"{RECIPIENT}: not so fast"},
            headers={"Retry-After": "9"},
        )
    )

    send_test(RECIPIENT)

    output = re.sub(r"\d\.\d\d s", "N s", capsys.readouterr().out)
    assert output.splitlines() == [
        f"{TWILIO}: failed temporarily after N s, code 20429: "
        "Twilio did not accept it (asked to wait 9 s)",
        f"{WEBHOOK}: accepted after N s, the provider's id is gw-1",
        f"{LOCMEM}: accepted after N s",
        f"{EMAIL}: not tried, it does not serve 'phone'",
    ]


def test_every_channel_of_fallback_is_tried(settings, gateway, outbox, capsys):
    nested = {"BACKEND": FALLBACK, "OPTIONS": {"channels": [LOCMEM, LOCMEM]}}
    channels = [LOCMEM, webhook(gateway), nested]
    settings.CRUDAUTH_CHANNELS = [
        {"BACKEND": FALLBACK, "OPTIONS": {"channels": channels}},
        {"BACKEND": FALLBACK, "OPTIONS": {"channels": [LOCMEM, EMAIL]}},
    ]

    send_test(RECIPIENT)

    output = re.sub(r"\d\.\d\d s", "N s", capsys.readouterr().out)
    assert output.splitlines() == [
        f"{FALLBACK} > LocMemChannel: accepted after N s",
        f"{FALLBACK} > WebhookChannel: accepted after N s, the provider's id is gw-1",
        f"{FALLBACK} > FallbackChannel > LocMemChannel: accepted after N s",
        f"{FALLBACK} > FallbackChannel > LocMemChannel#2: accepted after N s",
        f"{FALLBACK}#2: not tried, it does not serve 'phone'",
    ]
    assert len(outbox) == 3


def test_message_has_no_token_and_requested_language(settings, outbox):
    settings.CRUDAUTH_CHANNELS = [LOCMEM]

    send_test("+1 (555) 123-4567", "--language", "es")

    (intent,) = outbox
    assert intent.kind == "test_message"
    assert intent.token is None
    assert intent.link == ""
    assert intent.recipient == RECIPIENT
    assert intent.language == "es"


def test_sms_and_email_templates_render_test_message(settings, gateway):
    settings.CRUDAUTH_CHANNELS = [
        webhook(gateway),
        {
            **webhook(gateway),
            "OPTIONS": webhook(gateway)["OPTIONS"] | {"template": "email"},
        },
    ]

    send_test(RECIPIENT)

    sms, email = (request.json for request in gateway.received)
    assert sms["text"]
    assert email["subject"]
    assert SAMPLE_TOKEN not in str(sms) + str(email)


def test_command_fails_if_no_channel_accepts(settings, gateway, capsys):
    settings.CRUDAUTH_CHANNELS = [twilio(gateway)]

    with pytest.raises(CommandError, match="No channel accepted"):
        send_test("+15005550004")

    output = capsys.readouterr().out
    assert ": rejected after" in output
    assert "code 21610" in output
    assert "5005550004" not in output


def test_command_fails_if_no_channel_serves_factor(settings):
    settings.CRUDAUTH_CHANNELS = [EMAIL]

    with pytest.raises(CommandError, match="No registered channel serves 'phone'"):
        send_test(RECIPIENT)


def test_command_fails_without_channels(settings):
    settings.CRUDAUTH_CHANNELS = []

    with pytest.raises(CommandError, match="CRUDAUTH_CHANNELS is empty"):
        send_test(RECIPIENT)


def test_refused_credentials_are_named_without_advice_to_retry(
    settings, gateway, capsys
):
    settings.CRUDAUTH_CHANNELS = [twilio(gateway, auth_token="wrong")]

    with pytest.raises(CommandError):
        send_test(RECIPIENT)

    output = re.sub(r"\d\.\d\d s", "N s", capsys.readouterr().out)
    assert output.strip() == (
        f"{TWILIO}: misconfigured after N s, code 20003: Twilio refuses this site's "
        "credentials or set-up. Check the setting CRUDAUTH_CHANNELS (account_sid, "
        "auth_token)."
    )


@pytest.mark.parametrize("recipient", ["ada@example.com", "", "12", "+1555\x00"])
def test_command_fails_for_malformed_recipient(recipient):
    with pytest.raises(CommandError, match="phone"):
        send_test(recipient)


@pytest.mark.slow
def test_command_fails_without_recovery_factor():
    done = subprocess.run(
        [sys.executable, "-m", "django", "crudauth_send_test", RECIPIENT],
        env=environment(shape="username", database=":memory:"),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 1
    assert "no recovery factor" in done.stderr
