"""Delivery channels: the seam between a message and a medium."""

from crudauth_django.channels.base import DeliveryChannel, DeliveryIntent

__all__ = ["DeliveryChannel", "DeliveryIntent"]
