"""The app; listing it in ``INSTALLED_APPS`` is all there is to switch on."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DeliveryLogConfig(AppConfig):
    """Keeps what became of each message; no token, no whole recipient."""

    name = "crudauth_django.delivery_log"
    label = "crudauth_delivery_log"
    verbose_name = _("delivery log")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have deliveries recorded."""
        from crudauth_django.deliveries import records_deliveries
        from crudauth_django.delivery_log.recording import write

        records_deliveries(write)
