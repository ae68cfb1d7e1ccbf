"""The client of a request: its address and its user agent."""

import logging
from dataclasses import dataclass, field
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.http import HttpRequest

from crudauth_django.conf.settings import get_settings

__all__ = ["Client", "client_of"]

logger = logging.getLogger(__name__)

#: Proxies send them.
PROXY_HEADERS = ("X-Forwarded-For", "Forwarded")
#: The name of the cookie of a known device.
DEVICE_COOKIE = "crudauth_device"
#: A longer user agent is cut.
MAX_USER_AGENT_LENGTH = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """The other end of a request; a value is ``""`` if it is unknown."""

    address: str = ""
    user_agent: str = ""
    #: The cookie of a device that has signed in before, as the client sent it.
    device: str = field(default="", repr=False)

    @property
    def network(self) -> str:
        """The network under which failures and requests are counted.

        For an IPv4 address it is the address itself, for an IPv6 address its /64:
        each subscriber has at least a /64 (RFC 6177).
        """
        address = parse_address(self.address)
        if isinstance(address, IPv6Address):
            return str(ip_network((address, 64), strict=False))
        return str(address) if address else "unknown"


def client_of(request: HttpRequest | None) -> Client:
    """Return the client of a request; without a request, every value is ``""``."""
    if request is None:
        return Client()
    return Client(
        address=client_address(request),
        user_agent=request.META.get("HTTP_USER_AGENT", "")[:MAX_USER_AGENT_LENGTH],
        device=request.COOKIES.get(DEVICE_COOKIE, ""),
    )


def client_address(request: HttpRequest) -> str:
    """Return the address that the outermost trusted proxy saw.

    Of ``X-Forwarded-For``, only the last ``CRUDAUTH_TRUSTED_PROXIES`` entries
    count. Any client can write the entries before them.
    """
    remote = request.META.get("REMOTE_ADDR", "")
    hops = get_settings().trusted_proxies
    if not hops:
        if header := next((h for h in PROXY_HEADERS if h in request.headers), None):
            warn_of_proxy(header)
        return _without_port(remote)
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    return _without_port(forwarded[-hops:][0]) or _without_port(remote)


@cache
def warn_of_proxy(header: str) -> None:
    """Log once that a proxy may stand before the application, unknown to it."""
    logger.warning(
        "A request has the header %s, but CRUDAUTH_TRUSTED_PROXIES is 0. Behind a "
        "proxy, all clients share one network and its limits: set it to the number "
        "of your proxies. Without a proxy, a client made the header up.",
        header,
    )


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Parse an address; an IPv4 address mapped into IPv6 becomes IPv4."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _without_port(entry: str) -> str:
    """Return the address in ``1.2.3.4:80`` or ``[::1]:80``; ``""`` for other text."""
    text = entry.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    address = parse_address(text)
    return str(address) if address else ""
