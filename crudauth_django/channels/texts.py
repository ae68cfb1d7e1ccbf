"""Render messages from templates, in the language of the recipient.

A project overrides a template with one of the same name.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template import TemplateDoesNotExist
from django.template.backends.django import DjangoTemplates
from django.template.loader import get_template
from django.utils import translation
from django.utils.safestring import mark_safe
from django.utils.translation import gettext, ngettext

from crudauth_django.channels.base import DeliveryIntent
from crudauth_django.channels.segments import (
    ROOM,
    Encoding,
    encoding,
    shortened,
    size,
    without_costly_accents,
)

#: Longer names are cut in an SMS, to the shorter length if the text needs the
#: room: a second segment costs money.
SMS_NAME_LENGTH = 20
SMS_NAME_MIN_LENGTH = 8

#: A dot or a colon before a letter, as in an address of the web, and an @ at the
#: start of a word, as in a mention. Full stops of other scripts count.
_LINK = re.compile(r"[.:\u2024\u3002\ufe52\uff0e\uff61](?=[^\s.])|(?<!\w)@(?=\w)")
#: Seven or more digits, with anything but letters between them.
_NUMBER = re.compile(r"\d(?:(?:[^\w@]|_)*\d){6,}")
#: A number or an address as nearly all people have one.
_OWN_ADDRESS = re.compile(r"\+\d+|[\w.+-]+@[\w.-]+", re.ASCII)

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
#: Lifetimes from here on are given in days.
_MIN_LIFETIME_IN_DAYS = 4 * _DAY


@dataclass(frozen=True, kw_only=True, slots=True)
class EmailText:
    """The texts of an email: a subject of one line, and the body in two forms."""

    subject: str
    text: str
    html: str


def render_sms(intent: DeliveryIntent) -> str:
    """Render ``crudauth/sms/<kind>.txt`` as plain text, in the intent's language.

    The account's name is cut to ``SMS_NAME_LENGTH``, and further if the text would
    have a second segment. It loses its accents if they alone would make the message
    cost three times as much. A name in other letters is left out of such a text.
    """

    def render(account: str) -> str:
        context = _context(intent, account=account)
        return _render_plain(f"sms/{intent.kind}.txt", context).strip()

    name = without_costly_accents(_shown_name(intent, limit=SMS_NAME_LENGTH))
    name = shortened(name, SMS_NAME_LENGTH)
    with translation.override(_language(intent.language)):
        if encoding(name) is Encoding.UCS2:
            # Translators: stands in an SMS for a name, after "of", "to" or "(".
            neutral = gettext("your account")
            if encoding(render(neutral)) is Encoding.GSM7:
                name = neutral
        text = render(name)
        excess = size(text) - ROOM[encoding(text)][0]
        if 0 < excess <= size(name) - SMS_NAME_MIN_LENGTH:
            return render(shortened(name, size(name) - excess))
        return text


def render_email(intent: DeliveryIntent) -> EmailText:
    """Render ``crudauth/email/<kind>`` in the intent's language.

    ``.subject.txt`` and ``.txt`` are plain text, ``.html`` is escaped. Line
    breaks in the subject become spaces.
    """
    base = f"email/{intent.kind}"
    with translation.override(_language(intent.language)):
        context = _context(intent, account=_shown_name(intent))
        subject = _render_plain(f"{base}.subject.txt", context)
        context["subject"] = " ".join(subject.split())
        return EmailText(
            subject=context["subject"],
            text=_render_plain(f"{base}.txt", context).strip() + "\n",
            html=_template(f"{base}.html").render(context),
        )


def duration(lifetime: timedelta) -> str:
    """Return a text in whole minutes, hours or days, rounded down.

    One day is given as 24 hours: "1 day" could be read as "until midnight".
    """
    seconds = int(lifetime.total_seconds())
    if seconds >= _MIN_LIFETIME_IN_DAYS:
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
    """Return the nearest language of the project: this, its base, or the default."""
    try:
        return translation.get_supported_language_variant(
            translation.to_language(code).lower()
        )
    except (LookupError, ValueError):
        return settings.LANGUAGE_CODE


def _render_plain(name: str, context: dict[str, Any]) -> str:
    verbatim = {
        key: mark_safe(value)  # noqa: S308 (plain text: nothing reads it as HTML)
        for key, value in context.items()
    }
    return str(_template(name).render(verbatim))


def _template(name: str) -> Any:
    """Load the project's template, or the shipped one if no engine finds it."""
    path = f"crudauth/{name}"
    try:
        return get_template(path)
    except TemplateDoesNotExist:
        return _shipped_templates().get_template(path)


@cache
def _shipped_templates() -> DjangoTemplates:
    """Return an engine for the shipped templates, with any ``TEMPLATES``."""
    folder = Path(__file__).parent.parent / "templates"
    params = {"NAME": "crudauth", "DIRS": [folder], "APP_DIRS": False, "OPTIONS": {}}
    return DjangoTemplates(params)


def _shown_name(intent: DeliveryIntent, *, limit: int | None = None) -> str:
    """Return the name as one printable line, in which no program finds a link.

    A client may register any name with the recovery value of another person. A
    line break in the name could imitate a text of this site. ``win.example`` would
    become a link to a site of the client's choice, and a number one to tap. Only
    the recipient's own value stays whole.
    """
    printable = "".join(c if c.isprintable() else " " for c in intent.account)
    name = " ".join(printable.split())
    is_own = name == intent.recipient and _OWN_ADDRESS.fullmatch(name)
    if is_own and (limit is None or size(name) <= limit):
        return name
    name = _NUMBER.sub(lambda run: "..." + run[0][-4:], name)
    return _LINK.sub(r"\g<0> ", name)
