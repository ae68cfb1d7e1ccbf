"""One spelling for every identifier and recovery value.

The rule hangs on the *type* of the column, never on its name. A column of a
new type registers a rule of its own::

    @crudauth_django.spelling.canonical.register
    def _(field: MyField, text: str) -> str: ...
"""

from __future__ import annotations

import re
import unicodedata
from functools import singledispatch
from typing import Any

import phonenumbers
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

#: Unicode categories that no value may have: control, format (bidi marks and
#: zero-width characters among them), surrogate, private use, line and
#: paragraph separators.
FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})

#: Scripts that are written together (UTS #39, "highly restrictive").
_WRITTEN_WITH_LATIN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"})

_INTERNATIONAL = re.compile(r"\+[\d\s().\-/]+")
#: What people write a number with. The library reads one from any text that
#: ends in one, and letters as the keys they are on.
_NUMBER = re.compile(r"(?:tel:)?[(\s]*\+?[\d\s()\[\].\-/~\u00b7\u2010-\u2015\u2212]+")
_ONLY_DIGITS = re.compile(r"[\d\s().\-_+]{7,}")


class UsernameField(models.CharField):  # type: ignore[type-arg]
    """A name to log in with, that can't be taken for somebody else's.

    On top of what every text identifier keeps to, it has no ``@``, does not
    look like a phone number, and keeps to one script (UTS #39).
    """

    default_validators = [UnicodeUsernameValidator()]  # noqa: RUF012 (Django's form)


def text_of(value: object) -> str | None:
    """Write a stored value as the text that :func:`normalize` gives for it."""
    if isinstance(value, phonenumbers.PhoneNumber):
        spelled = phonenumbers.format_number(value, phonenumbers.PhoneNumberFormat.E164)
        return spelled if value.country_code else (value.raw_input or None)
    return None if value is None else str(value)


def normalize(field: models.Field[Any, Any], value: object) -> str:
    """Return the one spelling of a value of this column.

    Raises Django's ``ValidationError`` for what can't be one: nothing there,
    invisible or unprintable characters, the wrong form, too long.
    """
    text = (text_of(value) or "").strip()
    if not text:
        raise ValidationError(_("This field may not be blank."), code="blank")
    if any(unicodedata.category(letter) in FORBIDDEN_CATEGORIES for letter in text):
        raise ValidationError(
            _("Invisible or unprintable characters are not allowed."),
            code="unprintable",
        )
    spelled = canonical(field, text)
    if field.max_length is not None and len(spelled) > field.max_length:
        raise ValidationError(
            _("Ensure this field has no more than %(max)d characters."),
            code="max_length",
            params={"max": field.max_length},
        )
    return spelled


@singledispatch
def canonical(field: models.Field[Any, Any], text: str) -> str:
    """Spell ``text`` as this column stores it; raises ``ValidationError``."""
    return str(field.clean(text, None))


@canonical.register
def _text(field: models.CharField, text: str) -> str:  # type: ignore[type-arg]
    spelled = unicodedata.normalize("NFKC", text).strip()
    if field.name in getattr(field.model, "LOGIN_IDENTIFIERS", ()):
        spelled = unicodedata.normalize("NFKC", spelled.lower())
        _refuse_other_kinds(field, spelled)
    field.run_validators(spelled)
    return spelled


@canonical.register
def _username(field: UsernameField, text: str) -> str:
    spelled = _text(field, text)
    if "@" in spelled or _ONLY_DIGITS.fullmatch(spelled):
        raise _looks_like_something_else()
    if not _keeps_to_one_script(spelled):
        raise ValidationError(
            _("Use letters of one alphabet only."), code="mixed_scripts"
        )
    return spelled


@canonical.register
def _email(field: models.EmailField, text: str) -> str:  # type: ignore[type-arg]
    spelled = text.lower()
    field.run_validators(spelled)
    return spelled


@canonical.register
def _phone(field: PhoneNumberField, text: str) -> str:
    """Spell a number as E.164.

    It has to be *possible* (libphonenumber's word: the right length for its
    country). Whether a range is in use changes faster than any table of it,
    and only a message that arrives proves a number.
    """
    text = unicodedata.normalize("NFKC", text)
    if not _NUMBER.fullmatch(text):
        raise _not_a_number()
    try:
        number = phonenumbers.parse(text, field.region)
    except phonenumbers.NumberParseException as error:
        raise _not_a_number() from error
    if number.extension or not phonenumbers.is_possible_number(number):
        raise _not_a_number()
    spelled = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    for check in field.validators:
        if check not in field.default_validators:
            check(spelled)
    return spelled


def _not_a_number() -> ValidationError:
    return ValidationError(
        _("Enter a phone number with its country code, such as +12125552368."),
        code="invalid",
    )


def _refuse_other_kinds(field: models.Field[Any, Any], text: str) -> None:
    """Keep a text identifier from being read as an address or a number.

    Not only as an international one: a project's region makes a number of
    digits alone.
    """
    names = getattr(field.model, "LOGIN_IDENTIFIERS", ())
    beside = [f for f in field.model._meta.concrete_fields if f.name in names]
    kinds = filter(is_personal, [models.EmailField(), *beside])
    if _INTERNATIONAL.fullmatch(text) or any(_accepts(kind, text) for kind in kinds):
        raise _looks_like_something_else()


def _accepts(field: models.Field[Any, Any], text: str) -> bool:
    try:
        canonical(field, text)
    except ValidationError:
        return False
    return True


def _looks_like_something_else() -> ValidationError:
    return ValidationError(
        _("This may not look like an email address or a phone number."),
        code="ambiguous",
    )


def _keeps_to_one_script(text: str) -> bool:
    # Python has no script property; the first word of a letter's name is it.
    names = (unicodedata.name(letter, "") for letter in text if letter.isalpha())
    scripts = {name.partition(" ")[0].partition("-")[0] for name in names}
    return len(scripts - _WRITTEN_WITH_LATIN) <= 1 and (
        not scripts & _WRITTEN_WITH_LATIN or scripts <= _WRITTEN_WITH_LATIN | {"LATIN"}
    )


@singledispatch
def country_of(field: models.Field[Any, Any], value: str) -> str:
    """Return the country that a value of this column says; ``""`` if none.

    As ISO 3166 spells it, with ``"001"`` for what belongs to no country. A
    column of a new type registers a rule of its own.
    """
    return ""


@country_of.register
def _country_of_phone(field: PhoneNumberField, value: str) -> str:
    try:
        number = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        return ""
    known = phonenumbers.region_code_for_number(number)
    # A number may be possible and yet in no table: then its code decides.
    code = number.country_code or 0
    return known or phonenumbers.region_code_for_country_code(code)


def is_personal(field: models.Field[Any, Any]) -> bool:
    """Whether a value of this column is an address that reaches a person.

    That somebody has an account under a chosen name is no secret; that the
    owner of an address has one is.
    """
    return isinstance(field, (models.EmailField, PhoneNumberField))
