"""Check the ``CRUDAUTH_*`` settings, by themselves and against each other."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from rest_framework.serializers import Serializer

from crudauth_django.channels.addresses import is_loopback
from crudauth_django.checks.base import (
    Messages,
    did_you_mean,
    parsed,
    result_or_error,
    system_check,
)
from crudauth_django.conf.settings import PREFIX, parse_setting, setting_names
from crudauth_django.models import AbstractAuthUser
from crudauth_django.users import protected_fields, writable_fields

#: A setting and two of its options; the first must not be longer.
IN_ORDER = (
    ("CRUDAUTH_LOCKOUT", "BASE", "MAX"),
    ("CRUDAUTH_LOCKOUT", "MAX", "MEMORY"),
    ("CRUDAUTH_RETRY", "BASE", "MAX"),
)


@system_check()
def check_settings() -> Messages:
    """Refuse unknown and malformed settings."""
    known = setting_names()
    for name in dir(settings):
        if name.startswith(PREFIX) and name not in known:
            yield checks.Error(
                f"{name} is not a setting.",
                hint=f"{did_you_mean(name, known)}The settings are: "
                f"{', '.join(sorted(known))}.",
                id="crudauth.E020",
            )
    for name in known:
        try:
            parse_setting(name)
        except ImproperlyConfigured as error:
            yield checks.Error(
                f"A setting is malformed: {error}",
                hint=f"Correct {name}.",
                id="crudauth.E021",
            )


@system_check()
def check_times() -> Messages:
    """Refuse a first wait over the longest one, and a lock over its memory."""
    for name, low, high in IN_ORDER:
        options = parsed(name)
        if options and getattr(options, low.lower()) > getattr(options, high.lower()):
            yield checks.Error(
                f"{name}: {low} is longer than {high}.",
                hint=f"Set a shorter {low} or a longer {high}. An option that you do "
                "not name has its default.",
                id="crudauth.E032",
            )


@system_check(deploy=True)
def check_links() -> Messages:
    """Require encrypted links, because they hold working tokens."""
    for url in (parsed("CRUDAUTH_FRONTEND_URL") or {}).values():
        parts = urlsplit(url)
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            yield checks.Warning(
                f"CRUDAUTH_FRONTEND_URL has plain http:// ({url}): others on the "
                "network can read the tokens in the links.",
                hint="Use https://.",
                id="crudauth.W013",
            )
            return


@system_check(deploy=True)
def check_limits() -> Messages:
    """Require limits for guesses and messages."""
    for name in ("CRUDAUTH_LOCKOUT", "CRUDAUTH_TARGET_BUDGET"):
        if not result_or_error(parse_setting, name):
            yield checks.Warning(
                f"{name} is off.",
                hint="Set it. Without it, only the limits of a network apply to "
                "guesses or messages.",
                id="crudauth.W012",
            )


@system_check(deploy=True)
def check_throttles() -> Messages:
    """Require a limit for the requests of a network."""
    throttles = parsed("CRUDAUTH_THROTTLES")
    if throttles is not None and not any(throttles.values()):
        yield checks.Warning(
            "Every rate in CRUDAUTH_THROTTLES is off: one client can register "
            "accounts and cause messages without a limit.",
            hint="Set rates, or remove the setting to have the default ones.",
            id="crudauth.W032",
        )


@system_check(deploy=True)
def check_proxies() -> Messages:
    """Require a statement about proxies: the default is right without one only."""
    if not hasattr(settings, "CRUDAUTH_TRUSTED_PROXIES"):
        yield checks.Warning(
            "CRUDAUTH_TRUSTED_PROXIES is not set. Behind a proxy, all clients then "
            "share one network and its limits.",
            hint="Set it to the number of proxies that append to X-Forwarded-For. "
            "Set 0 if clients connect to the application directly.",
            id="crudauth.W031",
        )


@system_check()
def check_registration() -> Messages:
    """Check the extra fields of ``/register``."""
    if not issubclass(get_user_model(), AbstractAuthUser):
        return  # crudauth.E001
    for name in parsed("CRUDAUTH_REGISTER_EXTRA_FIELDS") or ():
        if name in protected_fields():
            yield checks.Error(
                f"CRUDAUTH_REGISTER_EXTRA_FIELDS names {name!r}, but no request may "
                "write this field.",
                hint="Set it on the server, with CRUDAUTH_NEW_USER_FIELDS.",
                id="crudauth.E025",
            )
        elif name not in writable_fields():
            yield checks.Error(
                f"CRUDAUTH_REGISTER_EXTRA_FIELDS names {name!r}, but the user model "
                "has no such field.",
                hint="Declare the field, or remove the name.",
                id="crudauth.E026",
            )


@system_check()
def check_serializers() -> Messages:
    """Check the serializers that the settings name."""
    for setting in ("CRUDAUTH_REGISTER_SERIALIZER", "CRUDAUTH_ACCOUNT_SERIALIZER"):
        path = parsed(setting)
        if path is None:
            continue
        chosen = result_or_error(import_string, path)
        if isinstance(chosen, Exception):
            yield checks.Error(
                f"The class in {setting} can't be imported: {chosen}",
                hint="Correct the path.",
                id="crudauth.E024",
            )
        elif not isinstance(chosen, type) or not issubclass(chosen, Serializer):
            yield checks.Error(
                f"The object in {setting}, {path!r}, is not a serializer class.",
                hint="Inherit RegisterSerializer or AccountSerializer "
                "of crudauth_django.api.serializers.",
                id="crudauth.E031",
            )
