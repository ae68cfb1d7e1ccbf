"""Authenticate the API's requests by Django's sessions."""

from contextlib import suppress
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.http import is_same_domain
from django.utils.translation import gettext as _
from rest_framework import authentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request


class SessionAuthentication(authentication.SessionAuthentication):
    """DRF's class, which checks CSRF, but with 401 instead of 403."""

    def authenticate_header(self, request: Request) -> str:
        return "Session"


def refuse_cross_site(request: HttpRequest) -> None:
    """Refuse a login that another site sends (login CSRF).

    Browsers name the sender in ``Sec-Fetch-Site``, older ones in ``Origin``.
    Origins in ``CSRF_TRUSTED_ORIGINS`` are accepted. So are requests without
    either header: they come from no browser, and no visitor is attacked. Source:
    OWASP CSRF Prevention Cheat Sheet, Fetch Metadata. Raises ``PermissionDenied``.
    """
    origin = request.headers.get("Origin", "")
    with suppress(ValueError):  # a malformed origin
        parts = urlsplit(origin)
        for trusted in settings.CSRF_TRUSTED_ORIGINS:
            scheme, _sep, host = trusted.partition("://")
            same_host = is_same_domain(parts.netloc, host.lstrip("*"))
            if same_host and parts.scheme == scheme:
                return
    site = request.headers.get("Sec-Fetch-Site")
    if site is None:
        allowed = origin in {"", f"{request.scheme}://{request.get_host()}"}
    else:
        allowed = site in {"same-origin", "none"}
    if not allowed:
        message = _("Logging in from another site is not allowed.")
        raise PermissionDenied(message, "cross_site")
