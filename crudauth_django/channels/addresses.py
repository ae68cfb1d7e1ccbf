"""The addresses that a channel may send secrets to."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def require_https(option: str, url: str) -> str:
    """Return a URL; raise ``ValueError`` unless it is HTTPS or on loopback.

    Messages hold valid tokens, so plain HTTP must not leave this machine. The
    error does not repeat the URL: it may hold a password.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return url
    if parts.scheme == "http" and is_loopback(parts.hostname or ""):
        return url
    raise ValueError(f"{option} must be https://, or http:// on loopback")


def is_loopback(host: str) -> bool:
    """Return whether a host name or an address is this machine's own."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
