"""The metaclass that completes a user model from what its class declares."""

from __future__ import annotations

from typing import Any, cast

from django.db import models
from django.db.models.base import ModelBase
from django.utils.translation import gettext_lazy as _

from crudauth_django.identity import Shape
from crudauth_django.spelling import UsernameField

Fields = dict[str, "models.Field[Any, Any]"]

#: What a column has for itself, and a copy of it must not have.
_OF_THE_ORIGINAL = (
    "unique",
    "primary_key",
    "db_column",
    "db_comment",
    "default",
    "db_default",
    "verbose_name",
    "help_text",
)


def _read_shape(attrs: dict[str, Any], bases: tuple[type, ...]) -> Shape:
    """Read the declaration from a class body, and from its bases where silent."""
    base = next((b for b in bases if hasattr(b, "LOGIN_IDENTIFIERS")), None)
    identifiers = attrs.get("LOGIN_IDENTIFIERS", getattr(base, "LOGIN_IDENTIFIERS", ()))
    factor = attrs.get("RECOVERY_FACTOR", getattr(base, "RECOVERY_FACTOR", None))
    return Shape(identifiers=tuple(identifiers), factor=factor)


def _emitted_identifier(name: str) -> models.Field[Any, Any] | None:
    if name == "username":
        return UsernameField(_("username"), max_length=150, unique=True)
    if name == "email":
        return models.EmailField(_("email address"), unique=True)
    return None


def _unproven_copy(field: models.Field[Any, Any]) -> models.Field[Any, Any]:
    """Return a column for the same values, that nothing is required of."""
    _name, _path, args, kwargs = field.deconstruct()
    for dropped in _OF_THE_ORIGINAL:
        kwargs.pop(dropped, None)
    kwargs |= {"null": True, "blank": True, "editable": False, "db_index": True}
    return type(field)(*args, **kwargs)


class AuthUserBase(ModelBase):
    """Completes a concrete user model from what its class body declares."""

    def __new__(
        mcs, name: str, bases: tuple[type, ...], attrs: dict[str, Any], **kwargs: Any
    ) -> AuthUserBase:
        if not getattr(attrs.get("Meta"), "abstract", False):
            mcs._complete(bases, attrs)
        return cast("AuthUserBase", super().__new__(mcs, name, bases, attrs, **kwargs))

    @staticmethod
    def _complete(bases: tuple[type, ...], attrs: dict[str, Any]) -> None:
        shape = _read_shape(attrs, bases)
        known = _declared(bases) | {
            name: value
            for name, value in attrs.items()
            if isinstance(value, models.Field)
        }
        emitted = _missing_identifiers(shape, known)
        emitted |= _missing_bookkeeping(shape, known | emitted)
        attrs |= emitted
        _name_for_django(shape, known | emitted, attrs)


def _declared(bases: tuple[type, ...]) -> Fields:
    return {
        field.name: field
        for base in bases
        for field in getattr(getattr(base, "_meta", None), "fields", ())
    }


def _missing_identifiers(shape: Shape, known: Fields) -> Fields:
    missing: Fields = {}
    for name in shape.columns:
        field = None if name in known else _emitted_identifier(name)
        if field is not None:
            field.null = field.blank = _may_be_missing(shape, name)
            missing[name] = field
    return missing


def _may_be_missing(shape: Shape, name: str) -> bool:
    """Whether an account can be without it: it has another way in.

    So an account that only claims a recovery value that is somebody else's can
    be there, even where one logs in with the value.
    """
    return name == shape.factor and shape.identifiers != (name,)


def _missing_bookkeeping(shape: Shape, known: Fields) -> Fields:
    if shape.factor not in known:
        return {}
    columns: Fields = {
        shape.verified: models.BooleanField(default=False, editable=False),
        shape.pending: _unproven_copy(known[shape.recovery_factor]),
    }
    return {name: field for name, field in columns.items() if name not in known}


def _name_for_django(shape: Shape, known: Fields, attrs: dict[str, Any]) -> None:
    """Say the shape in the words that Django and third-party apps read."""
    if not shape.identifiers:
        return
    attrs.setdefault("USERNAME_FIELD", shape.identifiers[0])
    emails = [n for n in shape.columns if isinstance(known.get(n), models.EmailField)]
    attrs.setdefault("EMAIL_FIELD", emails[0] if emails else "")
    attrs.setdefault(
        "REQUIRED_FIELDS",
        [
            name
            for name in shape.identifiers[1:]
            if name in known and (name == shape.factor or not known[name].null)
        ],
    )
