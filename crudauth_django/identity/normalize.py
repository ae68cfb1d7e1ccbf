"""Normalize identifiers and recovery values.

The rule depends on the *type* of the field, never on its name. Register a rule
for a field of your own::

    @crudauth_django.identity.normalize.canonical.register
    def _(field: MyField, text: str) -> str: ...
"""

import re
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from functools import partial, singledispatch

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models
from django.utils.encoding import punycode
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from crudauth_django.identity.fields import AnyField, UsernameField
from crudauth_django.identity.invisible import is_printable

__all__ = ["canonical", "country_of", "is_personal", "normalize", "to_text"]

#: Scripts that are written together (UTS #39, "highly restrictive").
_WRITTEN_WITH_LATIN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"})

_INTERNATIONAL = re.compile(r"\+[\d\s().\-/]+")
#: The characters of a written number. phonenumbers would also read a number at
#: the end of any text, and letters as the keys of a telephone.
_NUMBER = re.compile(r"(?:tel:)?[(\s]*\+?[\d\s()\[\].\-/~\u00b7\u2010-\u2015\u2212]+")
_ONLY_DIGITS = re.compile(r"[\d\s().\-_+]{7,}")

#: A quoted text, an encoded word (RFC 2047) and a letter outside ASCII. Mail
#: libraries rewrite each of these to another local part.
_UNCLEAR_LOCAL = re.compile(r"\"|=\?|[^\x00-\x7f]")
#: An IP address, with its many notations, and the letters that the versions of
#: IDNA read differently (UTS #46, "deviations"). Also more characters than a host
#: name has (RFC 1035): the time of IDNA grows with their square.
_UNCLEAR_DOMAIN = re.compile(r"(?s:[\[\u00df\u1e9e\u03c2]|.{254})")


def to_text(value: object) -> str | None:
    """Return a stored value as text, in the form that :func:`normalize` returns."""
    if isinstance(value, phonenumbers.PhoneNumber):
        e164 = phonenumbers.format_number(value, phonenumbers.PhoneNumberFormat.E164)
        return e164 if value.country_code else (value.raw_input or None)
    return None if value is None else str(value)


def normalize(field: AnyField, value: object) -> str:
    """Return the canonical form of a value of this field.

    Raises Django's ``ValidationError`` for a value that is blank, malformed or
    too long, or has invisible or unprintable characters.
    """
    text = (to_text(value) or "").strip()
    _require_visible(text)
    normalized = canonical(field, text)
    # NFKC turns an accent of its own into a space and a combining mark.
    _require_visible(normalized)
    if field.max_length is not None and len(normalized) > field.max_length:
        raise ValidationError(
            _("Ensure this field has no more than %(max)d characters."),
            code="max_length",
            params={"max": field.max_length},
        )
    return normalized


def _require_visible(text: str) -> None:
    if not text:
        raise ValidationError(_("This field may not be blank."), code="blank")
    if not is_printable(text):
        raise ValidationError(
            _("Invisible or unprintable characters are not allowed."),
            code="unprintable",
        )


@singledispatch
def canonical(field: AnyField, text: str) -> str:
    """Return the form in which this field stores ``text``.

    Raises ``ValidationError``. A field of a new type registers its own rule.
    """
    return str(field.clean(text, None))


@canonical.register
def _text(field: models.CharField, text: str) -> str:  # type: ignore[type-arg]  # dispatch needs the class
    normalized = unicodedata.normalize("NFKC", text).strip()
    if field.name in getattr(field.model, "LOGIN_IDENTIFIERS", ()):
        normalized = unicodedata.normalize("NFKC", normalized.lower())
        _refuse_personal_forms(field, normalized)
    field.run_validators(normalized)
    return normalized


@canonical.register
def _username(field: UsernameField, text: str) -> str:
    normalized = _text(field, text)
    if "@" in normalized or _ONLY_DIGITS.fullmatch(normalized):
        raise _ambiguous()
    # Python has no script property. The first word of a letter's name is its script.
    names = (unicodedata.name(letter, "") for letter in normalized if letter.isalpha())
    scripts = {name.partition(" ")[0].partition("-")[0] for name in names}
    mixed = scripts & _WRITTEN_WITH_LATIN
    if (
        len(scripts - mixed) > 1
        or (mixed and scripts - mixed - {"LATIN"})
        or not _digits_fit(normalized, scripts)
    ):
        raise ValidationError(
            _("Use letters of one alphabet only."), code="mixed_scripts"
        )
    return normalized


def _digits_fit(text: str, scripts: set[str]) -> bool:
    """Return whether the digits are ASCII, or one set of the letters' script.

    Other numerals, such as U+3007, look like letters or digits of another script.
    Source: UTS #39, "mixed-number detection".
    """
    numerals = [n for n in text if n.isnumeric() and not n.isalpha()]
    if not all(map(str.isdecimal, numerals)):
        return False
    sets = {unicodedata.name(n).rpartition("DIGIT ")[0].strip() for n in numerals}
    if len(sets) > 1:
        return False
    # "EXTENDED ARABIC-INDIC" has the digits of Persian and Urdu.
    words = (name.removeprefix("EXTENDED ").split()[0] for name in sets - {""})
    own = {word.partition("-")[0] for word in words}
    return not own or not scripts - own


@canonical.register
def _email(field: models.EmailField, text: str) -> str:  # type: ignore[type-arg]  # dispatch needs the class
    """Return the address as mail servers get it: its domain is ASCII.

    Django's mail applies the same IDNA. An address with several notations or
    readings is refused.
    """
    local, _at, domain = text.rpartition("@")
    domain = unicodedata.normalize("NFKC", domain)
    # Without a domain, the field's own validator refuses the address.
    host = ""
    if not (_UNCLEAR_LOCAL.search(local) or _UNCLEAR_DOMAIN.search(domain)):
        with suppress(UnicodeError):
            host = punycode(unicodedata.normalize("NFKC", domain.casefold()))
    normalized = f"{local.lower()}@{host}"
    field.run_validators(normalized)
    return normalized


@canonical.register
def _phone(field: PhoneNumberField, text: str) -> str:
    """Return the number in E.164.

    The number must be *possible* (libphonenumber's term): it has the right
    length for its country. Tables of assigned ranges are always out of date;
    only a delivered message verifies a number.
    """
    text = unicodedata.normalize("NFKC", text)
    number = _parse(text, field.region) if _NUMBER.fullmatch(text) else None
    if not number or number.extension or not phonenumbers.is_possible_number(number):
        raise _no_number()
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # With two trunk prefixes (+43 00 664 …), one is left, and the next look-up
    # would remove it.
    if to_text(_parse(e164)) != e164:
        raise _no_number()
    for validator in field.validators:
        if validator not in field.default_validators:
            validator(e164)
    return e164


def _no_number() -> ValidationError:
    return ValidationError(
        _("Enter a phone number with its country code, such as +12125552368."),
        code="invalid",
    )


def _parse(text: str, region: str | None = None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None


def _refuse_personal_forms(field: AnyField, text: str) -> None:
    """Raise if a text identifier could be read as an email address or a number.

    An address counts even if it would be refused in its own field. Each personal
    field of the model is tried: with a default region, digits alone are a phone
    number.
    """
    names = getattr(field.model, "LOGIN_IDENTIFIERS", ())
    beside = [f for f in field.model._meta.concrete_fields if f.name in names]
    if _INTERNATIONAL.fullmatch(text):
        raise _ambiguous()
    rules: list[Callable[[str], object]] = [validate_email]
    rules += [partial(canonical, f) for f in filter(is_personal, beside)]
    for rule in rules:
        try:
            rule(text)
        except ValidationError:
            continue
        raise _ambiguous()


def _ambiguous() -> ValidationError:
    return ValidationError(
        _("This must not look like an email address or a phone number."),
        code="ambiguous",
    )


@singledispatch
def country_of(field: AnyField, value: str) -> str:
    """Return the country of a value as ISO 3166, ``""`` if it has none.

    ``"001"`` is a number that belongs to no country. A field of a new type
    registers its own rule.
    """
    return ""


@country_of.register
def _country_of_phone(field: PhoneNumberField, value: str) -> str:
    number = _parse(value)
    if number is None:
        return ""
    known = phonenumbers.region_code_for_number(number)
    # A possible number may be in no table: its country code decides then.
    code = number.country_code or 0
    return known or phonenumbers.region_code_for_country_code(code)


def is_personal(field: AnyField) -> bool:
    """Return whether a value of this field is an address of a person.

    An account under a chosen name is public. An account of the owner of an
    address is not.
    """
    return isinstance(field, (models.EmailField, PhoneNumberField))
