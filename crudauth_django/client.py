"""Who is asking: the address and the user agent of a request."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

from crudauth_django.conf.settings import get_settings

if TYPE_CHECKING:
    from django.http import HttpRequest

#: A user agent is cut to this many characters.
USER_AGENT_LENGTH = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """The other end of a request; both values are ``""`` when unknown."""

    address: str = ""
    user_agent: str = ""

    @property
    def network(self) -> str:
        """What failures and requests are counted by.

        An IPv4 address stands for itself. An IPv6 address stands for its /64,
        because one subscriber is handed at least that much (RFC 6177).
        """
        address = parse_address(self.address)
        if isinstance(address, IPv6Address):
            return str(ip_network((address, 64), strict=False))
        return str(address) if address else "unknown"


def client_of(request: HttpRequest | None) -> Client:
    """Read the client from a request; an empty one where there is no request."""
    if request is None:
        return Client()
    return Client(
        address=client_address(request),
        user_agent=request.META.get("HTTP_USER_AGENT", "")[:USER_AGENT_LENGTH],
    )


def client_address(request: HttpRequest) -> str:
    """Return the address that the outermost trusted proxy saw.

    ``X-Forwarded-For`` counts only as far as ``CRUDAUTH_TRUSTED_PROXIES``
    hops, from the right: what stands further left, anybody may have written.
    """
    remote = request.META.get("REMOTE_ADDR", "")
    hops = get_settings().trusted_proxies
    if not hops:
        return _spelled(remote)
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    return _spelled(forwarded[-hops:][0]) or _spelled(remote)


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address; an IPv4 one mapped into IPv6 is the IPv4 one."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _spelled(entry: str) -> str:
    text = entry.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    address = parse_address(text)
    return str(address) if address else ""
