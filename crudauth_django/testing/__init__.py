"""Test your project and your channels.

With pytest, put ``pytest_plugins = ["crudauth_django.testing"]`` into the root
``conftest.py`` and use the fixture ``delivery_outbox``. With ``unittest``, add
:class:`DeliveryOutboxMixin` to a test case, or use :func:`collected_deliveries`. All
deliver at once, into a list of :class:`~crudauth_django.channels.DeliveryIntent`.

For a channel, subclass :class:`ChannelContract`. It needs pytest. In its messages,
``SAMPLE_TOKEN`` stands for the token.
"""

from crudauth_django.testing.outbox import (
    SAMPLE_TOKEN,
    DeliveryOutboxMixin,
    collected_deliveries,
)

__all__ = [
    "SAMPLE_TOKEN",
    "ChannelContract",
    "DeliveryOutboxMixin",
    "collected_deliveries",
    "delivery_outbox",
]

try:
    from crudauth_django.testing.contract import ChannelContract, delivery_outbox
except ModuleNotFoundError as error:
    if error.name != "pytest":
        raise

    def __getattr__(name: str) -> object:
        if name in __all__:
            raise ImportError(f"crudauth_django.testing.{name} needs pytest")
        raise AttributeError(name)
