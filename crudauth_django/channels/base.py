"""The port of channels, and those of ``CRUDAUTH_CHANNELS``."""

import uuid
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from crudauth_django.conf.readers import TOKEN_PLACEHOLDER
from crudauth_django.conf.settings import PREFIX, cached_setting, get_settings

#: Longer ids are cut: those of providers are short, a gateway's may not be.
MAX_PROVIDER_ID_LENGTH = 100
#: The ids that a channel sets, ``def`` or ``async def``, while it is called.
provider_ids: ContextVar[list[str]] = ContextVar("crudauth_provider_ids")


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryIntent:
    """One message to one recipient. It never holds the user row."""

    #: The same for every attempt at this message: an idempotency key.
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    #: A value of ``MessageKind``, such as ``"reset_password"``.
    kind: str
    #: The secret to deliver; ``None`` for a notice.
    token: str | None = field(default=None, repr=False)
    #: The normalized recovery value to send to.
    recipient: str = field(repr=False)
    #: The name of the account, to show in the text.
    account: str = field(repr=False)
    #: A language code such as ``"es"`` or ``"pt-br"``; ``""`` if unknown.
    language: str = ""
    #: How long the token is valid; ``None`` for a notice.
    expires_in: timedelta | None = None
    #: The URL to open, with the token in it; ``""`` for a notice, and without
    #: ``CRUDAUTH_FRONTEND_URL``.
    link: str = field(default="", repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as values of JSON; ``expires_in`` is in seconds."""
        lifetime = self.expires_in
        seconds = None if lifetime is None else int(lifetime.total_seconds())
        return {**asdict(self), "expires_in": seconds}


def link_for(kind: str, token: str | None) -> str:
    """Return a message's link; ``""`` without a token or ``CRUDAUTH_FRONTEND_URL``."""
    url = get_settings().frontend_url.get(kind)
    if not (token and url):
        return ""
    if TOKEN_PLACEHOLDER in url:
        return url.replace(TOKEN_PLACEHOLDER, token)
    return f"{url}{'&' if '?' in url else '?'}token={token}"


class DeliveryChannel(ABC):
    """Delivers messages over one medium; subclasses implement ``deliver``.

    A channel owns the transport and the text. It neither makes tokens nor
    decides how long they are valid.
    """

    #: The recovery factors whose values this channel can reach; ``None`` for
    #: all. ``OPTIONS: {"factors": [...]}`` sets it per registration.
    factors: tuple[str, ...] | None = None

    #: Whether its messages are SMS, and so cost money per segment. A deploy
    #: check counts the segments of the shipped templates.
    sends_sms: bool = False

    def __init__(self, *, factors: Iterable[str] | None = None) -> None:
        if factors is not None:
            self.factors = tuple(factors)

    @abstractmethod
    def deliver(self, intent: DeliveryIntent) -> Awaitable[None] | None:
        """Send a message; do nothing for a kind that does not fit the medium.

        May be ``async def``. Raise ``DeliveryFailed`` if another attempt may
        succeed, and ``DeliveryRejected`` if none can. Any other exception counts
        as failed. No exception reaches a request. Set time limits: a hanging
        channel blocks one of the dispatcher's workers.
        """

    def serves(self, factor: str) -> bool:
        """Return whether this channel can reach values of a recovery factor."""
        return self.factors is None or factor in self.factors


def set_provider_id(provider_id: str) -> None:
    """Pass on the id that the provider gave the message; ``""`` is ignored.

    Outside of a delivery this does nothing.
    """
    if provider_id:
        provider_ids.get([]).append(provider_id[:MAX_PROVIDER_ID_LENGTH])


@cached_setting(PREFIX)
def get_channels() -> Mapping[str, DeliveryChannel]:
    """Return the channels by label, in the order of the setting.

    A label is the dotted path. A repeated path gets ``#2``, ``#3`` and so on.
    Raises ``ImportError`` or the error of a channel's constructor; ``manage.py
    check`` reports both earlier.
    """
    backends = get_settings().channels
    names = labels(backend.path for backend in backends)
    return dict(zip(names, [backend.build() for backend in backends], strict=True))


def labels(names: Iterable[str]) -> Iterator[str]:
    """Make names unique: the second of its kind gets ``#2``, and so on."""
    times = Counter[str]()
    for name in names:
        times[name] += 1
        yield f"{name}#{times[name]}" if times[name] > 1 else name
