"""Check the segments of each SMS in each language of the project."""

import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.utils.translation import to_language
from phonenumber_field.modelfields import PhoneNumberField

from crudauth_django.channels import texts
from crudauth_django.channels.base import DeliveryIntent, link_for
from crudauth_django.channels.segments import BASIC, EXTENSION, segments
from crudauth_django.checks.base import Messages, every_channel, parsed, system_check
from crudauth_django.checks.shape import recovery_field
from crudauth_django.kinds import KINDS, MessageKind
from crudauth_django.security.redemption import RECOVERIES

#: As long as the token of a UUID: 37 bytes in base64url. A number's is shorter.
_UUID_TOKEN = "x" * 50
#: The longest name, in letters of GSM-7 and in others that lose no accent.
_ACCOUNTS = ("x" * texts.SMS_NAME_LENGTH, "\u0142" * texts.SMS_NAME_LENGTH)


@system_check(deploy=True)
def check_segments() -> Messages:
    """Require one segment for each SMS, if accounts recover by SMS.

    They do if the factor is a phone number, or if a channel for SMS serves it.
    Every text is rendered in each translated language of the project, with the
    longest token, and the longest names inside and outside of GSM-7.
    """
    field = recovery_field()
    try:
        if field and parsed("CRUDAUTH_CHANNELS"):
            sms = [c for c in every_channel() if c.sends_sms and c.serves(field.name)]
            if sms or isinstance(field, PhoneNumberField):
                yield from list(_check_languages())
    except ImproperlyConfigured:
        return  # crudauth.E021
    except (TemplateDoesNotExist, TemplateSyntaxError) as error:
        yield checks.Warning(
            f"The text of an SMS can't be rendered: {error}",
            hint="Correct the project's templates in crudauth/sms.",
            id="crudauth.W021",
        )


def _check_languages() -> Messages:
    seen: set[str] = set()
    for language in _languages():
        rendered = {}
        for kind in KINDS:
            recovery = RECOVERIES.get(kind)
            token = _UUID_TOKEN if recovery else None
            intent = DeliveryIntent(
                kind=kind,
                token=token,
                recipient="",
                account="",
                language=language,
                expires_in=recovery.purpose.max_age() if recovery else None,
                link=link_for(kind, token),
            )
            named = [replace(intent, account=name) for name in _ACCOUNTS]
            rendered[kind] = max(map(texts.render_sms, named), key=segments)
        new = {kind: text for kind, text in rendered.items() if text not in seen}
        seen.update(new.values())
        if long := {k: text for k, text in new.items() if segments(text) > 1}:
            found = _price(language, long)
            # Django's own LANGUAGES are no decision of the project.
            own = settings.is_overridden("LANGUAGES")  # type: ignore[misc]  # unknown to the stubs
            chosen = own or language == settings.LANGUAGE_CODE
            if chosen or found.level > checks.INFO:
                yield found


def _languages() -> Iterator[str]:
    """Yield the project's languages that have a catalogue, and English."""
    own = Path(texts.__file__).parents[1] / "locale"
    translated = {"en"}
    for folder in [own, *settings.LOCALE_PATHS]:
        for file in Path(str(folder)).glob("*/LC_MESSAGES/django.mo"):
            translated.add(_base(to_language(file.parent.parent.name)))
    codes = [settings.LANGUAGE_CODE, *(code for code, _name in settings.LANGUAGES)]
    return (code for code in dict.fromkeys(codes) if _base(code) in translated)


def _base(code: str) -> str:
    return code.lower().partition("-")[0]


def _price(language: str, long: dict[MessageKind, str]) -> checks.CheckMessage:
    costly = set("".join(long.values())) - BASIC - EXTENSION
    counts = ", ".join(
        f"{kind} takes {segments(text)} segments" for kind, text in long.items()
    )
    letters = [unicodedata.name(each, "") for each in costly if each.isalpha()]
    if not all(name.startswith("LATIN") for name in letters):
        return checks.Info(
            f"SMS in {language!r} need several segments, because GSM-7 does not have "
            f"the letters of this language: {counts}.",
            hint="One segment holds 70 characters, each of several holds 67.",
            id="crudauth.I020",
        )
    cause = f" GSM-7 does not have {' '.join(sorted(costly))}." if costly else ""
    return checks.Warning(
        f"SMS in {language!r} cost more than necessary: {counts}.{cause}",
        hint="Shorten or reword the templates in crudauth/sms, or shorten the URLs of "
        "CRUDAUTH_FRONTEND_URL.",
        id="crudauth.W020",
    )
