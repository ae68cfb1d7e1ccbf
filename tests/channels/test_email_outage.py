"""A broken connection to the mail server is temporary: the recipient may be right."""

from __future__ import annotations

import ssl

import pytest
from django.core.mail.backends.base import BaseEmailBackend
from django.test import override_settings

from crudauth_django.channels.attempts import call_channel
from crudauth_django.channels.email import EmailChannel
from crudauth_django.exceptions import DeliveryFailed
from crudauth_django.testing import ChannelContract
from tests.support.mail import backend_settings


class ExpiredCertificate(BaseEmailBackend):
    """Fails as a server with an expired certificate does."""

    def send_messages(self, email_messages):
        raise ssl.SSLCertVerificationError("certificate has expired")


def test_expired_certificate_is_temporary_failure():
    intent = ChannelContract().intent("reset_password")

    with (
        override_settings(**backend_settings(f"{__name__}.ExpiredCertificate")),
        pytest.raises(DeliveryFailed),
    ):
        call_channel(EmailChannel(), intent)
