"""What does an SMS cost, in each language of the project?"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.utils.translation import to_language
from phonenumber_field.modelfields import PhoneNumberField

import crudauth_django
from crudauth_django.channels import texts
from crudauth_django.channels.intents import build_intent
from crudauth_django.channels.segments import BASIC, EXTENSION, segments
from crudauth_django.checks.loading import every_channel
from crudauth_django.conf.settings import get_settings
from crudauth_django.kinds import KINDS, MessageKind
from crudauth_django.security.redemption import RECOVERIES

#: As long as the token of an account whose primary key is a UUID (37 bytes in
#: base64url): longer than any number's, and what most projects at most have.
_UUID_TOKEN = "x" * 50
_ACCOUNT = "x" * texts.SMS_NAME_LENGTH


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sms:
    kind: MessageKind
    text: str

    @property
    def costly(self) -> set[str]:
        """The characters that GSM-7 does not have."""
        return set(self.text) - BASIC - EXTENSION

    def __str__(self) -> str:
        return f"{self.kind} takes {segments(self.text)} segments"


@checks.register("crudauth", deploy=True)
def check_segments(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check that each SMS is one segment, if accounts recover by SMS.

    They do where the factor is a number, or a channel that sends SMS serves it.

    Every text is rendered in every language of the project that somebody has
    translated, with a name and a token as long as they come.
    """
    try:
        wanted = get_settings().channels and _recovers_by_sms()
        return list(_check_languages()) if wanted else []
    except ImproperlyConfigured:
        return []  # another check says so
    except (TemplateDoesNotExist, TemplateSyntaxError) as error:
        return [
            checks.Warning(
                f"The text of an SMS can't be rendered: {error}",
                hint="Correct the project's templates in crudauth/sms.",
                id="crudauth.W021",
            )
        ]


def _recovers_by_sms() -> bool:
    model = get_user_model()
    factor = getattr(model, "RECOVERY_FACTOR", None)
    try:
        field = model._meta.get_field(factor or "")
    except FieldDoesNotExist:
        return False
    return isinstance(field, PhoneNumberField) or any(
        channel.sends_sms and channel.serves(field.name) for channel in every_channel()
    )


def _languages() -> list[str]:
    own = Path(crudauth_django.__file__).parent / "locale"
    folders: list[Path] = [own, *(Path(str(path)) for path in settings.LOCALE_PATHS)]
    catalogues = {
        file.parent.parent.name
        for folder in folders
        for file in folder.glob("*/LC_MESSAGES/django.mo")
    }
    translated = {_base(to_language(name)) for name in catalogues} | {"en"}
    codes = [settings.LANGUAGE_CODE, *(code for code, _name in settings.LANGUAGES)]
    return [code for code in dict.fromkeys(codes) if _base(code) in translated]


def _base(code: str) -> str:
    return code.lower().partition("-")[0]


def _check_languages() -> Iterator[checks.CheckMessage]:
    seen: set[str] = set()
    for language in _languages():
        messages = [_Sms(kind=kind, text=_rendered(kind, language)) for kind in KINDS]
        new = [sms for sms in messages if sms.text not in seen]
        seen.update(sms.text for sms in new)
        if long := [sms for sms in new if segments(sms.text) > 1]:
            yield _price(language, long)


def _rendered(kind: MessageKind, language: str) -> str:
    recovery = RECOVERIES.get(kind)
    return texts.render_sms(
        build_intent(
            kind=kind,
            token=_UUID_TOKEN if recovery else None,
            recipient="",
            account=_ACCOUNT,
            language=language,
            expires_in=recovery.purpose.max_age() if recovery else None,
        )
    )


def _price(language: str, long: list[_Sms]) -> checks.CheckMessage:
    costly = {letter for sms in long for letter in sms.costly}
    counts = ", ".join(map(str, long))
    if _needs_another_script(costly):
        return checks.Info(
            f"SMS in {language!r}, whose letters GSM-7 does not have: {counts}.",
            hint="70 characters fit into one segment, 67 into each of several.",
            id="crudauth.I020",
        )
    cause = f" GSM-7 does not have {' '.join(sorted(costly))}." if costly else ""
    return checks.Warning(
        f"SMS in {language!r} cost more than they need to: {counts}.{cause}",
        hint="Shorten or reword them (templates in crudauth/sms), or the addresses "
        "of CRUDAUTH_FRONTEND_URL.",
        id="crudauth.W020",
    )


def _needs_another_script(letters: set[str]) -> bool:
    return any(
        letter.isalpha() and not unicodedata.name(letter, "").startswith("LATIN")
        for letter in letters
    )
