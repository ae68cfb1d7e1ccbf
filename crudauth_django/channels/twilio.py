"""SMS and WhatsApp over Twilio."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from crudauth_django.channels.addresses import require_https
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
from crudauth_django.exceptions import DeliveryError

try:
    from twilio.base.exceptions import TwilioException
    from twilio.http.http_client import TwilioHttpClient
    from twilio.http.response import Response
    from twilio.rest import Client
except ImportError as error:
    raise ImportError(
        'TwilioChannel needs Twilio\'s SDK: pip install "crudauth-django[twilio]"'
    ) from error

#: Codes after which no further try can help (https://www.twilio.com/docs/api/errors).
#: All others, such as 20003 (credentials), 20429 and 30001 (too fast) or 21606
#: (our own sender), are tried again: they pass, or somebody mends them.
REJECTED = frozenset(
    {
        "21211",  # not a phone number
        "21214",  # can't be reached
        "21217",  # does not appear to be valid
        "21265",  # a short code
        "21266",  # the sender's own number
        "21268",  # a premium or service number
        "21408",  # a region that the account has not switched on
        "21421",  # not a phone number
        "21604",  # no recipient
        "21608",  # a trial account, and a number it has not verified
        "21610",  # opted out
        "21612",  # no route from this sender
        "21614",  # not a mobile number
        "21617",  # longer than 1,600 characters
        "21635",  # a landline
        "30004",  # blocked
        "30005",  # unknown or no longer in service
        "30006",  # a landline, or a carrier out of reach
        "30007",  # filtered
        "63003",  # not on WhatsApp
        "63013",  # against WhatsApp's policy
        "63014",  # has blocked the sender, or opted out
        "63015",  # has not joined the sandbox
        "63016",  # outside the 24 hours, and not a template
        "63024",  # not a recipient
        "63033",  # blocked from receiving
    }
)

#: Seconds that Twilio keeps a message in its queue at most (error 21624).
LONGEST_VALIDITY = 36_000

MEDIA = ("sms", "whatsapp")


class TwilioChannel(ProviderChannel):
    """Sends with Twilio's SDK, each message over a connection of its own.

    ``sender`` is a number, a short code, a name, or the SID of a messaging
    service. With ``api_key``, ``auth_token`` is that key's secret.
    ``templates`` maps kinds to the Content SIDs of WhatsApp templates, which
    get the account's name as ``{{1}}`` and the link, or else the token, as
    ``{{2}}``. ``api_url`` is for a proxy of your own.
    """

    factors = ("phone",)
    loggers = (*ProviderChannel.loggers, "twilio.http_client")

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str,
        sender: str,
        api_key: str = "",
        medium: str = "sms",
        templates: Mapping[str, str] | None = None,
        timeout: float = 10.0,
        api_url: str = "https://api.twilio.com",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if not (account_sid and auth_token and sender):
            raise ValueError("account_sid, auth_token and sender must not be empty")
        self._account_sid = account_sid
        self._credentials = (api_key or account_sid, auth_token)
        self._sender = sender
        self._medium = one_of("medium", medium, MEDIA)
        self.sends_sms = self._medium == "sms"
        self._templates = dict(templates or {})
        self._timeout = timeout
        self._api_url = require_https("api_url", api_url)

    def send(self, intent: DeliveryIntent) -> DeliveryError | None:
        http = _HttpClient(pool_connections=False, timeout=self._timeout)
        client = Client(*self._credentials, self._account_sid, http_client=http)
        client.api.base_url = self._api_url
        try:
            message = client.messages.create(**self._fields(intent))
        except TwilioException as error:
            return _refused(getattr(error, "code", None), http.retry_after)
        except OSError as error:  # all errors of requests are
            return unreachable("Twilio", error)
        except ValueError:
            return unreadable("Twilio")
        if message.error_code:
            return _refused(message.error_code)
        set_provider_id(message.sid or "")
        return None

    def _fields(self, intent: DeliveryIntent) -> dict[str, Any]:
        service = self._sender.startswith("MG") and len(self._sender) > 20  # noqa: PLR2004
        return {
            "to": self._address(intent.recipient),
            **(
                {"messaging_service_sid": self._sender}
                if service
                else {"from_": self._address(self._sender)}
            ),
            **self._validity(intent),
            **self._content(intent),
        }

    def _address(self, number: str) -> str:
        return f"whatsapp:{number}" if self._medium == "whatsapp" else number

    def _validity(self, intent: DeliveryIntent) -> dict[str, int]:
        """Have Twilio drop a message that waits longer than its token lives."""
        if intent.expires_in is None or self._medium != "sms":
            return {}
        lifetime = int(intent.expires_in.total_seconds())
        return {"validity_period": max(1, min(lifetime, LONGEST_VALIDITY))}

    def _content(self, intent: DeliveryIntent) -> dict[str, str]:
        template = self._templates.get(intent.kind)
        if template is None:
            return {"body": render_sms(intent)}
        variables = {"1": intent.account, "2": link_or_token(intent)}
        return {"content_sid": template, "content_variables": json.dumps(variables)}


class _HttpClient(TwilioHttpClient):  # type: ignore[misc,unused-ignore]
    """Keeps ``Retry-After``, which the SDK's exceptions leave out."""

    retry_after: str | None = None

    def request(self, *args: Any, **kwargs: Any) -> Response:
        answer = super().request(*args, **kwargs)
        self.retry_after = (answer.headers or {}).get("Retry-After")
        return answer


def _refused(code: object, retry_after: str | None = None) -> DeliveryError:
    return provider_error(
        "Twilio",
        code="" if code is None else str(code),
        rejected=REJECTED,
        retry_after=seconds_to_wait(retry_after),
    )
