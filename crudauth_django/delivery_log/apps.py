"""The app; ``INSTALLED_APPS`` switches it on, no setting does."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from crudauth_django.signals import delivery_attempted, delivery_held_back


class DeliveryLogConfig(AppConfig):
    """Stores the outcome of each message, without token or whole recipient."""

    name = "crudauth_django.delivery_log"
    label = "crudauth_delivery_log"
    verbose_name = _("delivery log")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from crudauth_django.delivery_log import recording

        uid = "crudauth_delivery_log"
        delivery_attempted.connect(recording.record_attempt, dispatch_uid=uid)
        delivery_held_back.connect(recording.record_held_back, dispatch_uid=uid)
