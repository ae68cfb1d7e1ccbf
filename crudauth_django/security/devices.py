"""Recognize a device by the cookie of an earlier login (OWASP device cookies).

The cookie is signed, and bound to one account and its epoch: a reset, a change of
the recovery value and "sign out everywhere" void it. It signs no client in.

Source: OWASP, "Slow Down Online Guessing Attacks with Device Cookies".
"""

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpResponseBase
from django.utils.crypto import get_random_string

from crudauth_django.client import DEVICE_COOKIE, Client
from crudauth_django.conf.settings import get_settings
from crudauth_django.models import AbstractAuthUser

__all__ = ["is_known_device", "remember_device"]

_SALT = "crudauth_django.security.devices"


def remember_device(response: HttpResponseBase, user: AbstractAuthUser) -> None:
    """Set the cookie of a device that has signed in to this account.

    Call it in a view of your own, after the client has given the password. The
    endpoints do this themselves.
    """
    device = [str(user.pk), user.auth_epoch, get_random_string(22)]
    response.set_cookie(
        DEVICE_COOKIE,
        TimestampSigner(salt=_SALT).sign_object(device),
        max_age=get_settings().device_max_age,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite=settings.SESSION_COOKIE_SAMESITE,
    )


def is_known_device(client: Client, user: AbstractAuthUser) -> bool:
    """Return whether the client has signed in to this account before.

    False for the cookie of another account, and after the account's epoch has
    changed.
    """
    return device_id(client, user) is not None


def device_id(client: Client, user: AbstractAuthUser) -> str | None:
    """Return the random part of the cookie; ``None`` for an unknown device."""
    try:
        key, epoch, nonce = TimestampSigner(salt=_SALT).unsign_object(
            client.device, max_age=get_settings().device_max_age
        )
    except BadSignature:
        return None
    return str(nonce) if [key, epoch] == [str(user.pk), user.auth_epoch] else None
