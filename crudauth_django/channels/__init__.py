"""Channels: deliver messages, each over one medium."""

from crudauth_django.channels.base import (
    DeliveryChannel,
    DeliveryIntent,
    set_provider_id,
)
from crudauth_django.channels.texts import render_email, render_sms

__all__ = [
    "DeliveryChannel",
    "DeliveryIntent",
    "render_email",
    "render_sms",
    "set_provider_id",
]
