"""Authenticate the API's requests by Django's sessions."""

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
    if _is_trusted_origin(origin):
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is None:
        allowed = origin in {"", f"{request.scheme}://{request.get_host()}"}
    else:
        allowed = site in {"same-origin", "none"}
    if not allowed:
        message = _("Logging in from another site is not allowed.")
        raise PermissionDenied(message, "cross_site")


def _is_trusted_origin(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return any(
        parts.scheme == trusted.partition("://")[0]
        and is_same_domain(parts.netloc, trusted.partition("://")[2].lstrip("*"))
        for trusted in settings.CSRF_TRUSTED_ORIGINS
    )
