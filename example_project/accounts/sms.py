"""The SMS channel: the only part of the flows that this project writes itself."""

import json
from urllib.request import Request, urlopen

from django.conf import settings

from crudauth_django.channels import DeliveryChannel, DeliveryIntent

TEXTS = {
    "verify_recovery": "Verify your number: {link}",
    "reset_password": "Reset your password: {link}",
    "change_recovery": "Confirm your new number: {link}",
}


class SmsChannel(DeliveryChannel):
    """Posts each text to the gateway. A message is tried again if this raises."""

    factors = ("phone",)

    def deliver(self, intent: DeliveryIntent) -> None:
        if intent.token is None:
            return  # a notice has no link
        body = TEXTS[intent.kind].format(link=intent.link)
        message = json.dumps({"to": intent.recipient, "body": body}).encode()
        headers = {"Content-Type": "application/json"}
        request = Request(settings.SMS_GATEWAY_URL, message, headers)  # noqa: S310 (the URL is a setting)
        urlopen(request, timeout=5).close()  # noqa: S310 (the URL is a setting)
