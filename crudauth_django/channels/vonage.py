"""SMS and WhatsApp over Vonage's Messages API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from crudauth_django.channels.base import DeliveryIntent
from crudauth_django.channels.provider import (
    ProviderChannel,
    link_or_token,
    one_of,
    provider_error,
    seconds_to_wait,
    unreachable,
    unreadable,
)
from crudauth_django.channels.provider_ids import set_provider_id
from crudauth_django.channels.texts import render_sms
from crudauth_django.exceptions import DeliveryError, DeliveryRejected

try:
    from jwt import PyJWTError
    from vonage import Auth, HttpClientOptions, Vonage
    from vonage_http_client import HttpRequestError
    from vonage_messages.models import Sms, WhatsappTemplate, WhatsappText
    from vonage_messages.models.base_message import BaseMessage
    from vonage_utils import VonageError
except ImportError as error:
    raise ImportError(
        'VonageChannel needs Vonage\'s SDK: pip install "crudauth-django[vonage]"'
    ) from error

#: Codes after which no further try can help
#: (https://developer.vonage.com/en/api-errors/messages). All others, such as
#: 1000 (too fast), 1060 (our account) or 1120 (our sender), are tried again:
#: they pass, or somebody mends them.
REJECTED = frozenset(
    {
        "1040",  # a prefix that no network has
        "1050",  # barred
        "1160",  # not on a demo account's list
        "1170",  # not a phone number
        "1190",  # no longer active
        "1200",  # a problem after a change of carrier
        "1210",  # taken for spam
        "1240",  # opted out
        "1250",  # no route
        "1260",  # can't be reached
        "1270",  # blocked by age
        "1280",  # blocked by the carrier
        "1300",  # not in the provider's network
        "1310",  # a device that can't show it
        "1340",  # outside the window in which one may reply
        "1430",  # not a recipient
    }
)

#: How long Vonage may try at a message, in seconds.
SHORTEST_TTL, LONGEST_TTL = 20, 604_800

MEDIA = ("sms", "whatsapp")


class VonageChannel(ProviderChannel):
    """Sends with Vonage's SDK, each message over a connection of its own.

    The credentials are an ``application_id`` and its ``private_key`` (the PEM,
    or the path of its file), or an ``api_key`` and its ``api_secret``. Both
    pairs go into ``credentials``. ``templates`` maps kinds to the names of
    WhatsApp templates, which get the account's name as their first parameter
    and the link, or else the token, as their second.
    """

    factors = ("phone",)
    loggers = (*ProviderChannel.loggers, "vonage")

    def __init__(
        self,
        *,
        credentials: Mapping[str, str],
        sender: str,
        medium: str = "sms",
        templates: Mapping[str, str] | None = None,
        timeout: int = 10,
        api_host: str = "api.nexmo.com",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._auth = _authentication(credentials)
        self._sender = sender
        self._medium = one_of("medium", medium, MEDIA)
        self.sends_sms = self._medium == "sms"
        self._templates = dict(templates or {})
        self._options = HttpClientOptions(
            api_host=api_host,
            timeout=timeout,
            max_retries=0,
            # The SDK sends a message again, as often as this says, when the
            # connection ends without an answer: it may have arrived.
            pool_maxsize=1,
        )

    def send(self, intent: DeliveryIntent) -> DeliveryError | None:
        message = self._message(intent)
        if message is None:
            return DeliveryRejected("This number or text is none for Vonage")
        try:
            answer = Vonage(self._auth, self._options).messages.send(message)
        except HttpRequestError as error:
            return _refused(error)
        except (VonageError, OSError) as error:  # all errors of requests are one
            return unreachable("Vonage", error)
        except (TypeError, ValueError):
            return unreadable("Vonage")
        set_provider_id(answer.message_uuid)
        return None

    def _message(self, intent: DeliveryIntent) -> BaseMessage | None:
        address = {
            "to": intent.recipient.removeprefix("+"),
            "from_": self._sender.removeprefix("+"),
            "client_ref": intent.id,
        }
        try:
            if self._medium == "sms":
                return Sms(**address, text=render_sms(intent), ttl=_ttl(intent))
            return self._whatsapp(intent, address)
        except ValueError:  # of pydantic's, which repeats what it was given
            return None

    def _whatsapp(self, intent: DeliveryIntent, address: Mapping[str, Any]) -> Any:
        name = self._templates.get(intent.kind)
        if name is None:
            return WhatsappText(**address, text=render_sms(intent))
        return WhatsappTemplate(
            **address,
            template={
                "name": name,
                "parameters": [intent.account, link_or_token(intent)],
            },
            whatsapp={"locale": _locale(intent.language)},
        )


def _authentication(credentials: Mapping[str, str]) -> Auth:
    try:
        auth = Auth(**credentials)
        if auth.application_id:
            auth.create_jwt_auth_string()  # Would it sign?
    except (TypeError, ValueError, VonageError, PyJWTError):
        auth = None  # The SDK's own words may repeat a key.
    if not credentials or auth is None:
        raise ImproperlyConfigured(
            "credentials must be a working application_id and private_key, "
            "or api_key and api_secret"
        )
    return auth


def _ttl(intent: DeliveryIntent) -> int | None:
    """Have Vonage give up on a message when its token ends."""
    if intent.expires_in is None:
        return None
    lifetime = int(intent.expires_in.total_seconds())
    return max(SHORTEST_TTL, min(lifetime, LONGEST_TTL))


def _locale(language: str) -> str:
    """Spell a language as WhatsApp does: ``pt-br`` is ``pt_BR``."""
    base, _hyphen, region = (language or "en").partition("-")
    return f"{base}_{region.upper()}" if region else base


def _refused(error: HttpRequestError) -> DeliveryError:
    """Find the code at the end of the problem's ``type`` (RFC 9457)."""
    try:
        kind = str(error.response.json()["type"])
    except (TypeError, ValueError, KeyError):
        kind = ""
    return provider_error(
        "Vonage",
        code=urlsplit(kind).fragment or str(error.response.status_code),
        rejected=REJECTED,
        retry_after=seconds_to_wait(error.response.headers.get("Retry-After")),
    )
