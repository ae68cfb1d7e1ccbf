"""What messages say: templates in the language of whoever reads them.

A project overrides any of them by a template of the same name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.template import TemplateDoesNotExist
from django.template.backends.django import DjangoTemplates
from django.template.loader import get_template
from django.utils import translation
from django.utils.safestring import mark_safe
from django.utils.translation import ngettext

from crudauth_django.channels.segments import without_costly_accents

if TYPE_CHECKING:
    from crudauth_django.channels.base import DeliveryIntent

#: Longer names are cut short in an SMS, since every character is paid for.
SMS_NAME_LENGTH = 20
#: A dot that joins two words, as it does in the name of a host.
_DOT = re.compile(r"\.(?=\w)")
_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
#: From here on, a lifetime is told in days.
_MANY_HOURS = 96 * _HOUR


@dataclass(frozen=True, kw_only=True, slots=True)
class EmailText:
    """A mail's words: one line of subject, and the same body twice."""

    subject: str
    text: str
    html: str


def render_sms(intent: DeliveryIntent) -> str:
    """Render ``crudauth/sms/<kind>.txt`` as plain text, in the intent's language.

    The account's name is cut to ``SMS_NAME_LENGTH``, and loses its accents
    where they alone would make the message cost three times as much.
    """
    name = without_costly_accents(_shortened(_shown(intent.account)))
    with translation.override(_language(intent.language)):
        return _plain(f"sms/{intent.kind}.txt", _context(intent, account=name)).strip()


def render_email(intent: DeliveryIntent) -> EmailText:
    """Render ``crudauth/email/<kind>`` in the intent's language.

    ``.subject.txt`` and ``.txt`` are plain text, ``.html`` is escaped. The
    subject is one line, whatever the account is called.
    """
    base = f"email/{intent.kind}"
    with translation.override(_language(intent.language)):
        context = _context(intent, account=_shown(intent.account))
        context["subject"] = _one_line(_plain(f"{base}.subject.txt", context))
        return EmailText(
            subject=context["subject"],
            text=_plain(f"{base}.txt", context).strip() + "\n",
            html=_template(f"{base}.html").render(context),
        )


def duration(lifetime: timedelta) -> str:
    """Say how long in whole minutes, hours or days, rounded down.

    A day is 24 hours, so that nobody has to think about midnight.
    """
    seconds = int(lifetime.total_seconds())
    if seconds >= _MANY_HOURS:
        count = seconds // _DAY
        text = ngettext("%(count)d day", "%(count)d days", count)
    elif seconds >= _HOUR and (seconds % _HOUR == 0 or seconds >= _DAY):
        count = seconds // _HOUR
        text = ngettext("%(count)d hour", "%(count)d hours", count)
    else:
        count = max(seconds // _MINUTE, 1)
        text = ngettext("%(count)d minute", "%(count)d minutes", count)
    return text % {"count": count}


def _context(intent: DeliveryIntent, *, account: str) -> dict[str, Any]:
    return {
        "kind": intent.kind,
        "account": account,
        "link": intent.link,
        "token": intent.token or "",
        "expires_in": duration(intent.expires_in) if intent.expires_in else "",
    }


def _language(code: str) -> str:
    """Return the language that Django knows for this code: it, its base, or ours."""
    try:
        return translation.get_supported_language_variant(
            translation.to_language(code).lower()
        )
    except (LookupError, ValueError):
        return settings.LANGUAGE_CODE


def _plain(name: str, context: dict[str, Any]) -> str:
    # Nothing reads it as HTML, so nothing in it may be escaped.
    verbatim = {key: mark_safe(value) for key, value in context.items()}  # noqa: S308
    return str(_template(name).render(verbatim))


def _template(name: str) -> Any:
    """Load the project's template, or ours where no engine of theirs finds it."""
    path = f"crudauth/{name}"
    try:
        return get_template(path)
    except TemplateDoesNotExist:
        return _shipped().get_template(path)


@cache
def _shipped() -> DjangoTemplates:
    return DjangoTemplates(
        {
            "NAME": "crudauth",
            "DIRS": [Path(__file__).parent.parent / "templates"],
            "APP_DIRS": False,
            "OPTIONS": {},
        }
    )


def _shown(name: str) -> str:
    """Return a name that nobody's phone or mail program makes a link of.

    Whoever signs up chooses the name, and may choose somebody else's address
    for the message: ``win.example`` would be a link to wherever they like.
    """
    printable = _printable(name)
    return printable if "@" in printable else _DOT.sub(". ", printable)


def _printable(name: str) -> str:
    """Return a name as one line: its owner chose it, and it can't pose as our text."""
    return _one_line(
        "".join(letter if letter.isprintable() else " " for letter in name)
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _shortened(name: str) -> str:
    if len(name) <= SMS_NAME_LENGTH:
        return name
    return name[: SMS_NAME_LENGTH - 3] + "..."
