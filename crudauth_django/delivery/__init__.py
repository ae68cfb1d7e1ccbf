"""One pending message: find its account, make the token, call the channels."""

from crudauth_django.delivery.deliver import deliver_message
from crudauth_django.delivery.message import PendingMessage

__all__ = ["PendingMessage", "deliver_message"]
