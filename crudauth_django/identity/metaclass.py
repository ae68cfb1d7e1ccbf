"""The metaclass that completes a user model from its declaration."""

from typing import Any, cast

from django.db import models
from django.db.models.base import ModelBase
from django.utils.translation import gettext_lazy as _

from crudauth_django.identity.fields import AnyField, UsernameField, VerifiedField
from crudauth_django.identity.shape import Shape

Fields = dict[str, AnyField]

#: Options of the factor's field that its copy, ``<factor>_pending``, drops.
_DROPPED_OPTIONS = (
    "unique",
    "primary_key",
    "db_column",
    "db_comment",
    "default",
    "db_default",
    "verbose_name",
    "help_text",
)


class AuthUserBase(ModelBase):
    """Adds the columns of the shape to a concrete user model."""

    def __new__(
        mcs, name: str, bases: tuple[Any, ...], attrs: dict[str, Any], **kwargs: Any
    ) -> "AuthUserBase":
        if not getattr(attrs.get("Meta"), "abstract", False):
            shape, known = _declared(attrs, bases)
            known |= (added := _missing_identifiers(shape, known))
            bookkeeping = _bookkeeping(shape, known)
            users = [b for b in bases if issubclass(type(b), mcs)]
            parents = [b for b in users if not b._meta.abstract]
            ours = {n for b in parents for n in b.shape().bookkeeping} - {
                n for b in parents for n in b.redeclared_fields
            }
            taken = (known.keys() | attrs.keys()) & bookkeeping.keys() - ours
            attrs["redeclared_fields"] = frozenset(taken)
            # The project's own field gives way. One in a parent's table can't.
            fixed = {field.name for b in parents for field in b._meta.fields}
            added |= {n: f for n, f in bookkeeping.items() if n not in fixed}
            attrs |= added
            _set_django_attributes(shape, known, attrs)
        return cast("AuthUserBase", super().__new__(mcs, name, bases, attrs, **kwargs))


def _declared(attrs: dict[str, Any], bases: tuple[Any, ...]) -> tuple[Shape, Fields]:
    """Return the shape and the fields of a class body and its bases."""
    base = next((b for b in bases if hasattr(b, "LOGIN_IDENTIFIERS")), None)
    names = ("LOGIN_IDENTIFIERS", "RECOVERY_FACTOR")
    identifiers, factor = (attrs.get(n, getattr(base, n, None)) for n in names)
    inherited = {
        field.name: field
        for base in bases
        for field in getattr(getattr(base, "_meta", None), "fields", ())
    }
    own = {n: value for n, value in attrs.items() if isinstance(value, models.Field)}
    return Shape.of(identifiers, factor), inherited | own


def _missing_identifiers(shape: Shape, known: Fields) -> Fields:
    candidates: Fields = {
        "username": UsernameField(_("username"), max_length=150, unique=True),
        "email": models.EmailField(_("email address"), unique=True),
    }
    for name, field in candidates.items():
        # The factor is nullable if the model has another identifier: an account
        # that claims a value of another account stores NULL here.
        field.null = field.blank = name == shape.factor and shape.identifiers != (name,)
    missing = candidates.keys() & set(shape.columns) - known.keys()
    return {name: candidates[name] for name in missing}


def _bookkeeping(shape: Shape, known: Fields) -> Fields:
    if shape.factor not in known:
        return {}
    # The pending value: the same type, nullable and not unique.
    factor = known[shape.recovery_factor]
    _name, _path, args, kwargs = factor.deconstruct()
    kept = {name: kwargs[name] for name in kwargs.keys() - _DROPPED_OPTIONS}
    kept |= {"null": True, "blank": True, "editable": False, "db_index": True}
    # Named, so that makemigrations offers no rename to another factor's column.
    kept["verbose_name"] = f"{shape.factor} pending"
    return {
        shape.verified: VerifiedField(factor=shape.recovery_factor),
        shape.pending: type(factor)(*args, **kept),
    }


def _set_django_attributes(shape: Shape, known: Fields, attrs: dict[str, Any]) -> None:
    """Set the attributes that Django and third-party apps read."""
    # A broken declaration gets a field that exists, or Django's own check would
    # raise before this package's checks can report the cause.
    key = next((name for name, field in known.items() if field.primary_key), "id")
    first = next(iter(shape.identifiers), key)
    attrs.setdefault("USERNAME_FIELD", first if first in known else key)
    emails = [n for n in shape.columns if isinstance(known.get(n), models.EmailField)]
    attrs.setdefault("EMAIL_FIELD", emails[0] if emails else "")
    required = [
        name
        for name in shape.identifiers[1:]
        if name in known and (name == shape.factor or not known[name].null)
    ]
    attrs.setdefault("REQUIRED_FIELDS", required)
