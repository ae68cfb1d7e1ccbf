"""The messages of the simulated gateway."""

from django.db import models


class Sms(models.Model):
    """One text message."""

    to = models.CharField(max_length=32)
    body = models.TextField()
    sent_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"to {self.to}"
