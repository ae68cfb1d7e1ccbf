"""Does the account shape contradict itself?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import models
from phonenumber_field.modelfields import PhoneNumberField

from crudauth_django.conf.settings import parse_setting
from crudauth_django.identity.normalize import is_personal
from crudauth_django.identity.shape import Shape
from crudauth_django.models import AbstractAuthUser
from crudauth_django.security.tokens import MAX_KEY, key_field


def _field(model: type[models.Model], name: str) -> models.Field[Any, Any] | None:
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, models.Field) else None


def _is_unique(model: type[models.Model], field: models.Field[Any, Any]) -> bool:
    return field.unique or any(
        constraint.fields == (field.name,)
        and constraint.condition is None
        and not constraint.expressions
        for constraint in model._meta.total_unique_constraints
    )


@checks.register("crudauth")
def check_user_model(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check ``AUTH_USER_MODEL`` and what it declares."""
    model = get_user_model()
    if not issubclass(model, AbstractAuthUser):
        return [
            checks.Error(
                f"AUTH_USER_MODEL {model._meta.label} is not an AbstractAuthUser.",
                hint="Inherit crudauth_django.models.AbstractAuthUser.",
                obj=model,
                id="crudauth.E001",
            )
        ]
    return [
        *_check_key(),
        *_check_identifiers(model),
        *_check_factor(model),
        *_check_both(model),
    ]


def _check_key() -> Iterator[checks.CheckMessage]:
    """Check that each key fits into a token, which is read only up to a length.

    ASCII is assumed: a short key of letters that UTF-8 has four bytes for would
    not fit either.
    """
    field = key_field()
    if not isinstance(field, models.CharField | models.TextField):
        return
    if field.max_length is None or field.max_length > MAX_KEY:
        yield checks.Error(
            f"The primary key {field.name!r} can be longer than a token has room for.",
            hint=f"Declare it with max_length={MAX_KEY} at most, or use another key.",
            obj=field.model,
            id="crudauth.E033",
        )


def _check_identifiers(model: type[AbstractAuthUser]) -> Iterator[checks.CheckMessage]:
    if not model.LOGIN_IDENTIFIERS or isinstance(model.LOGIN_IDENTIFIERS, str):
        yield checks.Error(
            "LOGIN_IDENTIFIERS is not a tuple with at least one field name.",
            hint='Write LOGIN_IDENTIFIERS = ("username",), with the comma.',
            obj=model,
            id="crudauth.E002",
        )
        return
    for name in model.LOGIN_IDENTIFIERS:
        field = _field(model, name)
        if field is None:
            yield checks.Error(
                f"LOGIN_IDENTIFIERS names {name!r}, and the model has no such field.",
                hint="Declare the field; only username and email are emitted.",
                obj=model,
                id="crudauth.E003",
            )
        elif not _is_unique(model, field):
            yield checks.Error(
                f"The identifier {name!r} is not unique.",
                hint=f"Declare {name} with unique=True.",
                obj=model,
                id="crudauth.E004",
            )


def _check_factor(model: type[AbstractAuthUser]) -> Iterator[checks.CheckMessage]:
    name = model.RECOVERY_FACTOR
    if name is None:
        return
    field = _field(model, name)
    if field is None:
        yield checks.Error(
            f"RECOVERY_FACTOR names {name!r}, and the model has no such field.",
            hint=f"Declare {name} with unique=True, null=True, blank=True.",
            obj=model,
            id="crudauth.E005",
        )
    elif not _is_unique(model, field):
        yield checks.Error(
            f"The recovery factor {name!r} is not unique.",
            hint=f"Declare {name} with unique=True.",
            obj=model,
            id="crudauth.E006",
        )
    elif not field.null and name not in model.LOGIN_IDENTIFIERS:
        yield checks.Error(
            f"The recovery factor {name!r} is not nullable.",
            hint=f"Declare {name} with null=True, blank=True: "
            "a value that is only claimed is not in it.",
            obj=model,
            id="crudauth.E007",
        )


def _check_bookkeeping(
    model: type[AbstractAuthUser], shape: Shape
) -> Iterator[checks.CheckMessage]:
    for name, kind in ((shape.verified, models.BooleanField), (shape.pending, None)):
        field = _field(model, name)
        wrong_type = kind is not None and not isinstance(field, kind)
        if field is None or wrong_type or (kind is None and field.unique):
            yield checks.Error(
                f"The column {name!r} beside the recovery factor is not ours.",
                hint=f"Remove your own {name}: it is emitted.",
                obj=model,
                id="crudauth.E008",
            )


def _check_both(model: type[AbstractAuthUser]) -> Iterator[checks.CheckMessage]:
    shape = model.shape()
    yield from _check_number_format(model, shape)
    if shape.factor is None or _field(model, shape.factor) is None:
        return
    yield from _check_bookkeeping(model, shape)


def _check_number_format(
    model: type[AbstractAuthUser], shape: Shape
) -> Iterator[checks.CheckMessage]:
    """Numbers are compared with what is stored, so there is one way to store them."""
    chosen = getattr(settings, "PHONENUMBER_DB_FORMAT", "E164")
    fields = [_field(model, name) for name in shape.columns]
    if chosen != "E164" and any(isinstance(f, PhoneNumberField) for f in fields):
        yield checks.Error(
            f"PHONENUMBER_DB_FORMAT is {chosen!r}: numbers would be stored in "
            "another spelling than they are looked up in.",
            hint='Set PHONENUMBER_DB_FORMAT = "E164", or take it out.',
            obj=model,
            id="crudauth.E009",
        )


def _names_an_address(model: type[AbstractAuthUser], name: str) -> bool:
    field = _field(model, name)
    return name == model.RECOVERY_FACTOR or (field is not None and is_personal(field))


def _needs_verified_login(model: Any) -> bool:
    try:
        required = parse_setting("CRUDAUTH_LOGIN_REQUIRES_VERIFIED")
    except ImproperlyConfigured:
        required = False  # another check reports it
    return (
        issubclass(model, AbstractAuthUser)
        and model.RECOVERY_FACTOR is not None
        and any(_names_an_address(model, name) for name in model.LOGIN_IDENTIFIERS)
        and not required
    )


@checks.register("crudauth", deploy=True)
def check_claims(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Where an account can't be without its recovery value, its name tells."""
    model = get_user_model()
    if not issubclass(model, AbstractAuthUser) or model.RECOVERY_FACTOR is None:
        return []
    name, several = model.RECOVERY_FACTOR, len(model.LOGIN_IDENTIFIERS) > 1
    field = _field(model, name)
    if field is None or field.null or not several:
        return []
    return [
        checks.Warning(
            f"No account can be without {name!r}: a registration with one that "
            "is held creates nothing, and the other identifiers staying free "
            "tells so.",
            hint=f"Declare {name} with null=True, blank=True: the new account then "
            "only claims the value.",
            obj=model,
            id="crudauth.W006",
        )
    ]


@checks.register("crudauth", deploy=True)
def check_unproven_addresses(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check for an address that identifies, is not the factor, and nobody proves."""
    model = get_user_model()
    if not issubclass(model, AbstractAuthUser) or model.RECOVERY_FACTOR is None:
        return []
    others = [n for n in model.LOGIN_IDENTIFIERS if n != model.RECOVERY_FACTOR]
    return [
        checks.Warning(
            f"{name!r} is an address that one logs in with and nobody proves: "
            "whoever registers it first has it.",
            hint=f"Make {name} the recovery factor, or treat it as a public name; "
            "then silence this.",
            obj=model,
            id="crudauth.W008",
        )
        for name in others
        if _names_an_address(model, name)
    ]


@checks.register("crudauth", deploy=True)
def check_registration_oracle(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Where one logs in with an address, logging in after signing up tells."""
    model = get_user_model()
    if not _needs_verified_login(model):
        return []
    return [
        checks.Warning(
            "Whoever registers with an address and then logs in learns whether "
            "the address had an account.",
            hint="Set CRUDAUTH_LOGIN_REQUIRES_VERIFIED = True, so that both fail "
            "until control of the address is proven.",
            obj=model,
            id="crudauth.W001",
        )
    ]
