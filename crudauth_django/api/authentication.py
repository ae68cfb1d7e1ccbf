"""Sessions for the API: Django's own, with the right status for strangers."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.http import is_same_domain
from django.utils.translation import gettext as _
from rest_framework import authentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request


class SessionAuthentication(authentication.SessionAuthentication):
    """DRF's, with CSRF for everybody signed in, and 401 instead of 403."""

    def authenticate_header(self, request: Request) -> str:
        return "Session"


def refuse_cross_site(request: HttpRequest) -> None:
    """Keep another site from signing its visitors in here (login CSRF).

    A browser says where a request comes from (``Sec-Fetch-Site``, and
    ``Origin`` in older ones); anything else has no cookies to abuse. Origins in
    ``CSRF_TRUSTED_ORIGINS`` may. Source: OWASP CSRF Prevention Cheat Sheet,
    Fetch Metadata. Raises ``PermissionDenied``.
    """
    origin = request.headers.get("Origin", "")
    if origin and _is_trusted(origin):
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is None:
        own = f"{request.scheme}://{request.get_host()}"
        allowed = not origin or origin == own
    else:
        allowed = site in {"same-origin", "none"}
    if not allowed:
        raise PermissionDenied(_("Log in from this site itself."), "cross_site")


def _is_trusted(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return any(
        parts.scheme == trusted.partition("://")[0]
        and is_same_domain(parts.netloc, trusted.partition("://")[2].lstrip("*"))
        for trusted in settings.CSRF_TRUSTED_ORIGINS
    )
