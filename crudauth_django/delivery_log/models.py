"""The table of the delivery log."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crudauth_django.kinds import Outcome


class LoggedDelivery(models.Model):
    """One message over one channel, and the outcome of its last attempt."""

    message_id = models.CharField(_("message"), max_length=32)
    channel = models.CharField(_("channel"), max_length=200)
    kind = models.CharField(_("kind"), max_length=32)
    recipient = models.CharField(_("recipient, masked"), max_length=320)
    country = models.CharField(_("country"), max_length=3, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=1)
    outcome = models.CharField(
        _("outcome"),
        max_length=10,
        choices=[
            (Outcome.FAILED.value, _("failed, will be tried again")),
            (Outcome.DELIVERED.value, _("delivered")),
            (Outcome.REJECTED.value, _("rejected")),
            (Outcome.GAVE_UP.value, _("given up")),
            (Outcome.HELD_BACK.value, _("held back")),
        ],
    )
    provider_id = models.CharField(_("provider's id"), max_length=100, blank=True)
    code = models.CharField(_("provider's code"), max_length=100, blank=True)
    held_until = models.DateTimeField(_("held back until"), null=True, blank=True)
    first_tried_at = models.DateTimeField(_("first tried at"), auto_now_add=True)
    tried_at = models.DateTimeField(_("last tried at"), db_index=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(
                fields=["message_id", "channel"], name="crudauth_log_message_channel"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.recipient}"
