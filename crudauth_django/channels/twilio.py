"""SMS and WhatsApp over Twilio."""

import json
from typing import Any

from crudauth_django.channels.addresses import require_https
from crudauth_django.channels.base import DeliveryIntent, set_provider_id
from crudauth_django.channels.provider import (
    PhoneChannel,
    channel_options,
    provider_error,
    unreachable,
    was_sent,
)
from crudauth_django.channels.texts import render_sms
from crudauth_django.exceptions import DeliveryError, DeliveryFailed

try:
    from twilio.base.exceptions import TwilioException
    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client
except ImportError as error:
    raise ImportError(
        'TwilioChannel needs Twilio\'s SDK: pip install "crudauth-django[twilio]"'
    ) from error

__all__ = ["TwilioChannel"]

#: Final errors (https://www.twilio.com/docs/api/errors). All others are tried
#: again: some pass, such as 20429 and 30001 (too fast).
REJECTED = frozenset(
    # not a phone number
    {"21211", "21217", "21421", "21604"}
    # not reachable, at least from this sender
    | {"21214", "21612"}
    # a short code, the sender's own number, a premium or service number
    | {"21265", "21266", "21268"}
    # a region not enabled, or a number not verified for a trial account
    | {"21408", "21608"}
    # opted out, blocked, unknown or out of service, filtered
    | {"21610", "30004", "30005", "30007"}
    # not a mobile number, or an unreachable carrier
    | {"21614", "21635", "30006"}
    # longer than 1,600 characters
    | {"21617"}
    # WhatsApp: not a recipient, against its policy, blocked
    | {"63003", "63024", "63013", "63014", "63033"}
    # WhatsApp: not in the sandbox, or free text more than 24 hours after a message
    | {"63015", "63016"}
)

_CREDENTIALS = channel_options("account_sid", "auth_token")
_ACCOUNT = channel_options("account_sid")
_SENDER = channel_options("sender")
_TEMPLATES = channel_options("templates")
#: Errors of the project's own set-up, with the setting to correct. Twilio's pages
#: name these causes: https://www.twilio.com/docs/api/errors/20003 and so on.
MISCONFIGURED: dict[str, str] = {
    # wrong, deleted or restricted credentials; the last two without a code
    **dict.fromkeys(("20003", "70051", "401", "403"), _CREDENTIALS),
    # an account without funds, suspended or closed, an unknown SID or address
    **dict.fromkeys(("20005", "20403"), _ACCOUNT),
    **dict.fromkeys(("20404", "404"), channel_options("account_sid", "api_url")),
    # not a number of this account, or not one for messages
    **dict.fromkeys(("21212", "21401", "21601", "21603", "21606"), _SENDER),
    **dict.fromkeys(("21616", "21659", "21660", "21661"), _SENDER),
    # not a messaging service of this account; a WhatsApp sender not set up
    **dict.fromkeys(("21701", "21705", "63002", "63007", "63008"), _SENDER),
    # not a template of this account or language; not two variables
    **dict.fromkeys(("21655", "63027", "63028"), _TEMPLATES),
}

#: The shortest and longest time in Twilio's queue, in seconds (error 21624).
VALIDITY_LIMITS = (1, 36_000)
#: The SID of a messaging service; no other sender is as long and begins with "MG".
SID_LENGTH = 34


class TwilioChannel(PhoneChannel):
    """Sends with Twilio's SDK, each message over a connection of its own.

    ``sender`` is a number, a short code, a name, or the SID of a messaging
    service. With ``api_key``, ``auth_token`` is that key's secret.
    ``templates`` maps kinds to the Content SIDs of WhatsApp templates: ``{{1}}``
    is the account's name, ``{{2}}`` the link, or the token if there is no link.
    ``api_url`` is the address of your own proxy for Twilio's API.
    """

    loggers = (*PhoneChannel.loggers, "twilio.http_client")

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str,
        api_key: str = "",
        timeout: float = 10.0,
        api_url: str = "https://api.twilio.com",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if not (account_sid and auth_token and self._sender):
            raise ValueError("account_sid, auth_token and sender must not be empty")
        self._account_sid = account_sid
        self._credentials = (api_key or account_sid, auth_token)
        self._timeout = timeout
        self._api_url = require_https("api_url", api_url)

    def send(self, intent: DeliveryIntent) -> DeliveryError | None:
        responses: list[Any] = []  # The SDK's exceptions leave out the headers.
        http = TwilioHttpClient(
            pool_connections=False,
            timeout=self._timeout,
            request_hooks={"response": lambda r, **_options: responses.append(r)},
        )
        client = Client(*self._credentials, self._account_sid, http_client=http)
        client.api.base_url = self._api_url
        try:
            message = client.messages.create(**self._fields(intent))
        except TwilioException as error:
            code = str(getattr(error, "code", None) or "")
            retry_after = responses[-1].headers.get("Retry-After") if responses else ""
            return _error(code, retry_after=retry_after)
        except OSError as error:  # the base class of all errors of requests
            return unreachable("Twilio", error, maybe_taken=was_sent(error))
        except ValueError:
            reason = "Twilio sent an unreadable response"
            return DeliveryFailed(reason, maybe_taken=True)
        if message.error_code:
            return _error(str(message.error_code))
        set_provider_id(message.sid or "")
        return None

    def _fields(self, intent: DeliveryIntent) -> dict[str, Any]:
        prefix = "" if self.sends_sms else "whatsapp:"
        fields: dict[str, Any] = {"to": f"{prefix}{intent.recipient}"}
        if self._sender.startswith("MG") and len(self._sender) == SID_LENGTH:
            fields["messaging_service_sid"] = self._sender
        else:
            fields["from_"] = f"{prefix}{self._sender}"
        lifetime = self._lifetime(intent, limits=VALIDITY_LIMITS)
        if self.sends_sms and lifetime is not None:
            fields["validity_period"] = lifetime
        if intent.kind in self._templates:
            variables = {"1": intent.account, "2": intent.link or intent.token or ""}
            fields["content_sid"] = self._templates[intent.kind]
            fields["content_variables"] = json.dumps(variables)
        else:
            fields["body"] = render_sms(intent)
        return fields


def _error(code: str, *, retry_after: str | None = None) -> DeliveryError:
    return provider_error(
        "Twilio",
        code=code,
        final=code in REJECTED,
        setting=MISCONFIGURED.get(code),
        retry_after=retry_after,
    )
