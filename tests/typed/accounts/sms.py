from typing import assert_type

from crudauth_django.channels import DeliveryChannel, DeliveryIntent


class SmsChannel(DeliveryChannel):
    def deliver(self, intent: DeliveryIntent) -> None:
        assert_type(intent.token, str | None)
        assert_type(intent.recipient, str)
        if intent.token is None:
            return
        print(f"SMS to {intent.recipient}: {intent.kind} {intent.link}")
