"""SMS and WhatsApp over Vonage's Messages API."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import to_locale

from crudauth_django.channels.base import DeliveryIntent, set_provider_id
from crudauth_django.channels.provider import (
    PhoneChannel,
    channel_options,
    provider_error,
    unreachable,
    was_sent,
)
from crudauth_django.channels.texts import render_sms
from crudauth_django.exceptions import DeliveryError, DeliveryFailed, DeliveryRejected

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

__all__ = ["VonageChannel"]

#: Final errors (https://developer.vonage.com/en/api-errors/messages). All others
#: are tried again: some pass, such as 1000 (too fast).
REJECTED = frozenset(
    # not a number, or not a recipient
    {"1040", "1170", "1430"}
    # barred, not on a demo account's list, no longer active, opted out, blocked
    | {"1050", "1160", "1190", "1240", "1280"}
    # no route, not reachable, or a problem after a change of carrier
    | {"1250", "1260", "1200"}
    # classified as spam, or not for this age, network or device
    | {"1210", "1270", "1300", "1310"}
    # outside the time for a reply
    | {"1340"}
)

_CREDENTIALS = channel_options("credentials")
#: Errors of the project's own set-up, with the setting to correct: those of the
#: Messages API, and the general ones (https://developer.vonage.com/en/api-errors).
MISCONFIGURED: dict[str, str] = {
    # an account that is barred, without credit, or not enabled for this
    **dict.fromkeys(("1060", "1070", "1080", "1140"), _CREDENTIALS),
    **dict.fromkeys(
        ("account-suspended", "low-balance", "unprovisioned"), _CREDENTIALS
    ),
    # wrong credentials; the statuses are those of responses without a code
    **dict.fromkeys(("1110", "unauthorized", "invalid-api-key", "401"), _CREDENTIALS),
    **dict.fromkeys(("invalid-signature", "jwt-expired", "jwt-revoked"), _CREDENTIALS),
    **dict.fromkeys(("forbidden", "unprovisioned", "402", "403"), _CREDENTIALS),
    **dict.fromkeys(("not-found", "404"), channel_options("credentials", "api_host")),
    "1120": channel_options("sender"),
    "1022": channel_options("templates"),
}

#: A private key contains this; without it, the option is a path.
PEM = "-----BEGIN "
#: The shortest and longest time for Vonage's attempts, in seconds.
TTL_LIMITS = (20, 604_800)


class VonageChannel(PhoneChannel):
    """Sends with Vonage's SDK, each message over a connection of its own.

    ``credentials`` are an ``application_id`` and its ``private_key`` (the PEM, or
    the path of its file), or an ``api_key`` and its ``api_secret``, or both pairs.
    ``templates`` maps kinds to the names of WhatsApp templates. Their first
    parameter is the account's name, the second the link, or the token if there is
    no link.
    """

    loggers = (*PhoneChannel.loggers, "vonage")

    def __init__(
        self,
        *,
        credentials: Mapping[str, str],
        timeout: int = 10,
        api_host: str = "api.nexmo.com",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._auth = _authentication(credentials)
        self._options = HttpClientOptions(
            api_host=api_host,
            timeout=timeout,
            max_retries=0,
            # The SDK also sends a message this often if the connection ends
            # without a response. But then the message may have arrived.
            pool_maxsize=1,
        )

    def send(self, intent: DeliveryIntent) -> DeliveryError | None:
        try:
            message = self._message(intent)
        except ValueError:  # from pydantic, with the number and the text in it
            return DeliveryRejected("Vonage's SDK refuses this number or text")
        try:
            response = Vonage(self._auth, self._options).messages.send(message)
        except HttpRequestError as error:
            # The code is the end of the problem's type (RFC 9457).
            try:
                problem = str(error.response.json()["type"])
            except (TypeError, ValueError, KeyError):
                problem = ""
            code = problem.partition("#")[2] or str(error.response.status_code)
            return provider_error(
                "Vonage",
                code=code,
                final=code in REJECTED,
                setting=MISCONFIGURED.get(code),
                retry_after=error.response.headers.get("Retry-After"),
            )
        except (VonageError, OSError) as error:  # OSError: all errors of requests
            return unreachable("Vonage", error, maybe_taken=was_sent(error))
        except (TypeError, ValueError):
            reason = "Vonage sent an unreadable response"
            return DeliveryFailed(reason, maybe_taken=True)
        set_provider_id(response.message_uuid)
        return None

    def _message(self, intent: DeliveryIntent) -> BaseMessage:
        address = {
            "to": intent.recipient.removeprefix("+"),
            "from_": self._sender.removeprefix("+"),
            "client_ref": intent.id,
        }
        if self.sends_sms:
            ttl = self._lifetime(intent, limits=TTL_LIMITS)
            return Sms(**address, text=render_sms(intent), ttl=ttl)
        if intent.kind not in self._templates:
            return WhatsappText(**address, text=render_sms(intent))
        return WhatsappTemplate(
            **address,
            template={
                "name": self._templates[intent.kind],
                "parameters": [intent.account, intent.link or intent.token or ""],
            },
            # WhatsApp writes "pt_BR" for "pt-br".
            whatsapp={"locale": to_locale(intent.language or "en")},
        )


def _authentication(credentials: Mapping[str, str]) -> Auth:
    """Return the SDK's credentials, or raise ``ImproperlyConfigured``."""
    options = dict(credentials)
    key = options.get("private_key")
    if isinstance(key, str) and PEM not in key:
        # The SDK takes a path only if it has an extension.
        options["private_key"] = _read_key(key)
    try:
        auth = Auth(**options)
        if auth.application_id:
            auth.create_jwt_auth_string()  # Fails here if the key can't sign.
    except (TypeError, ValueError, VonageError, PyJWTError):
        auth = None  # Raise below: the SDK's error may repeat a key.
    if not options or auth is None:
        raise ImproperlyConfigured(
            "credentials must be a working application_id and private_key, "
            "or api_key and api_secret"
        )
    return auth


def _read_key(path: str) -> str:
    """Return the key in a file; the error does not repeat the path: it may be a key."""
    try:
        return Path(path).read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        reason = type(error).__name__
    raise ImproperlyConfigured(
        "private_key must be a PEM or the path of its file, which can't be read: "
        f"{reason}"
    )
