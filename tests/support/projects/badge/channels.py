from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent
from crudauth_django.channels.locmem import outbox


class WhatsAppChannel(DeliveryChannel):
    factors = ("whatsapp_id",)

    def deliver(self, intent: DeliveryIntent) -> None:
        outbox.append(intent)
