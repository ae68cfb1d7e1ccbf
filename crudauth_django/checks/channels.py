"""Check the channels."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.utils.module_loading import import_string

from crudauth_django.channels.base import DeliveryChannel
from crudauth_django.channels.console import ConsoleChannel
from crudauth_django.channels.email import EmailChannel
from crudauth_django.channels.file import FileChannel
from crudauth_django.channels.locmem import LocMemChannel
from crudauth_django.checks.base import (
    Messages,
    every_channel,
    parsed,
    result_or_error,
    system_check,
)
from crudauth_django.conf.types import Backend

#: Channels that reach no user.
FOR_DEVELOPMENT = (ConsoleChannel, FileChannel, LocMemChannel)
SMTP = "django.core.mail.backends.smtp.EmailBackend"


@system_check()
def check_channels() -> Messages:
    """Require usable channels, and one for the recovery factor."""
    backends = parsed("CRUDAUTH_CHANNELS")
    if backends is None or not hasattr(get_user_model(), "RECOVERY_FACTOR"):
        return  # crudauth.E021, crudauth.E001
    factor = get_user_model().RECOVERY_FACTOR
    found = [_load_channel(backend) for backend in backends]
    yield from (entry for entry in found if isinstance(entry, checks.CheckMessage))
    channels = [entry for entry in found if isinstance(entry, DeliveryChannel)]
    if factor is None and backends:
        yield checks.Warning(
            "Channels are registered, but accounts have no recovery factor.",
            hint="Set RECOVERY_FACTOR on the user model, or empty CRUDAUTH_CHANNELS.",
            id="crudauth.W003",
        )
    elif factor is not None and not backends:
        yield checks.Warning(
            f"Accounts recover by {factor!r}, but no channel is registered: the "
            "recovery endpoints do not exist.",
            hint="List a DeliveryChannel in CRUDAUTH_CHANNELS.",
            id="crudauth.W002",
        )
    elif factor and channels == found and not any(c.serves(factor) for c in channels):
        yield checks.Error(
            f"No registered channel serves the recovery factor {factor!r}.",
            hint='Register one, or set the OPTIONS of a channel: {"factors": [...]}.',
            id="crudauth.E013",
        )


def _load_channel(backend: Backend) -> DeliveryChannel | checks.CheckMessage:
    """Return the channel, or the reason why it can't be used."""
    kind = result_or_error(import_string, backend.path)
    if isinstance(kind, Exception):
        return checks.Error(
            f"The channel {backend.path!r} can't be imported: {kind}",
            hint="Correct the path in CRUDAUTH_CHANNELS, or install its extra.",
            id="crudauth.E010",
        )
    if not (isinstance(kind, type) and issubclass(kind, DeliveryChannel)):
        return checks.Error(
            f"{backend.path!r} is not a DeliveryChannel.",
            hint="Inherit crudauth_django.channels.DeliveryChannel.",
            id="crudauth.E011",
        )
    channel: DeliveryChannel | Exception = result_or_error(backend.build)
    if isinstance(channel, Exception):
        return checks.Error(
            f"The channel {backend.path!r} can't be constructed: {channel}",
            hint="Correct its OPTIONS, or install its extra.",
            id="crudauth.E012",
        )
    return channel


@system_check(deploy=True)
def check_channels_for_production() -> Messages:
    """Warn of channels for development."""
    found = [c for c in every_channel() if isinstance(c, FOR_DEVELOPMENT)]
    for name in dict.fromkeys(type(channel).__qualname__ for channel in found):
        yield checks.Warning(
            f"{name} is a channel for development: it reaches no user, and its "
            "output holds tokens that work.",
            hint="Replace it in CRUDAUTH_CHANNELS with a channel that reaches users.",
            id="crudauth.W007",
        )


@system_check(deploy=True)
def check_mail_time_limit() -> Messages:
    """Require a time limit for mail: Django's default is none."""
    if not any(isinstance(channel, EmailChannel) for channel in every_channel()):
        return
    mailers = getattr(settings, "MAILERS", None)  # from Django 6.1 on
    if mailers is None:
        backend, timeout = settings.EMAIL_BACKEND, settings.EMAIL_TIMEOUT
    else:
        mailer = mailers.get("default", {})
        backend = mailer.get("BACKEND", SMTP)
        timeout = mailer.get("OPTIONS", {}).get("timeout")
    if backend == SMTP and timeout is None:
        yield checks.Warning(
            "Mail has no time limit: a mail server that does not respond blocks one "
            "of the few workers forever.",
            hint='Set EMAIL_TIMEOUT, or "timeout" in the OPTIONS of the mailer.',
            id="crudauth.W005",
        )
