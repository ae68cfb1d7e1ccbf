"""The outbox for tests, without pytest."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import TestCase

from django.test import override_settings

from crudauth_django.channels import locmem
from crudauth_django.channels.base import DeliveryIntent

#: A stand-in for a token, longer than the token of a number or a UUID. If the
#: primary key is a text, a token has up to ``tokens.MAX_LENGTH`` characters.
SAMPLE_TOKEN = "AWq" + "x" * 60


@contextmanager
def collected_deliveries() -> Iterator[list[DeliveryIntent]]:
    """Deliver at once, into the list that the block gets."""
    locmem.outbox.clear()
    with override_settings(
        CRUDAUTH_CHANNELS=["crudauth_django.channels.locmem.LocMemChannel"],
        CRUDAUTH_DISPATCHER="crudauth_django.dispatch.InlineDispatcher",
    ):
        try:
            yield locmem.outbox
        finally:
            locmem.outbox.clear()


class DeliveryOutboxMixin(TestCase):
    """Add ``self.delivery_outbox`` to a ``unittest`` test case."""

    delivery_outbox: list[DeliveryIntent]

    def setUp(self) -> None:
        super().setUp()
        self.delivery_outbox = self.enterContext(collected_deliveries())
