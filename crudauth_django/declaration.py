"""The metaclass that completes a user model from what its class declares."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.base import ModelBase
from django.utils.translation import gettext_lazy as _

from crudauth_django.identity import Shape
from crudauth_django.spelling import UsernameField

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
        return super().__new__(mcs, name, bases, attrs, **kwargs)  # type: ignore[no-any-return]

    @staticmethod
    def _complete(bases: tuple[type, ...], attrs: dict[str, Any]) -> None:
        shape = _read_shape(attrs, bases)
        known = {
            field.name: field
            for base in bases
            for field in getattr(getattr(base, "_meta", None), "fields", ())
        }
        known |= {n: v for n, v in attrs.items() if isinstance(v, models.Field)}
        for name in shape.columns:
            field = known.get(name) or _emitted_identifier(name)
            if field is None:
                continue
            if name not in known:
                attrs[name] = known[name] = field
                if name == shape.factor and not shape.factor_identifies:
                    field.null = field.blank = True
        if shape.factor in known:
            factor = known[shape.recovery_factor]
            if shape.verified not in known:
                attrs[shape.verified] = models.BooleanField(
                    default=False, editable=False
                )
            if shape.pending not in known:
                attrs[shape.pending] = _unproven_copy(factor)
        _name_for_django(shape, known, attrs)


def _name_for_django(
    shape: Shape, known: dict[str, models.Field[Any, Any]], attrs: dict[str, Any]
) -> None:
    """Say the shape in the words that Django and third-party apps read."""
    if not shape.identifiers:
        return
    attrs.setdefault("USERNAME_FIELD", shape.identifiers[0])
    emails = [n for n in shape.columns if isinstance(known.get(n), models.EmailField)]
    attrs.setdefault("EMAIL_FIELD", emails[0] if emails else "")
    attrs.setdefault(
        "REQUIRED_FIELDS",
        [n for n in shape.identifiers[1:] if n in known and not known[n].null],
    )
