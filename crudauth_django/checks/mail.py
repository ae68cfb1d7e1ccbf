"""Can a mail server that hangs keep a worker?"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks

from crudauth_django.channels.email import EmailChannel
from crudauth_django.checks.loading import every_channel

SMTP = "django.core.mail.backends.smtp.EmailBackend"


@checks.register("crudauth", deploy=True)
def check_mail_time_limit(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check that mail has a time limit, which Django's default is not to have."""
    if not any(isinstance(channel, EmailChannel) for channel in every_channel()):
        return []
    if _has_time_limit():
        return []
    return [
        checks.Warning(
            "Mail has no time limit: a mail server that hangs holds one of the "
            "few workers for good.",
            hint='Set EMAIL_TIMEOUT, or "timeout" in the OPTIONS of the mailer.',
            id="crudauth.W005",
        )
    ]


def _has_time_limit() -> bool:
    """Whether it is not Django's own backend, or is told when to give up."""
    mailers = getattr(settings, "MAILERS", None)  # from Django 6.1 on
    if mailers is None:
        return settings.EMAIL_BACKEND != SMTP or settings.EMAIL_TIMEOUT is not None
    mailer = mailers.get("default", {})
    return (
        mailer.get("BACKEND", SMTP) != SMTP
        or mailer.get("OPTIONS", {}).get("timeout") is not None
    )
