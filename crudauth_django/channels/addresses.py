"""Where a channel may send secrets to."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


def require_https(option: str, url: str) -> str:
    """Return a URL; raises ``ValueError`` unless it is HTTPS or on loopback.

    What leaves here holds live tokens, so plain HTTP is for this machine only.
    The error does not repeat the URL, which may hold a password.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return url
    if parts.scheme == "http" and is_loopback(parts.hostname or ""):
        return url
    raise ValueError(f"{option} must be https://, or http:// on loopback")


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
