"""Check the user model: its declaration, and information that it would reveal."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from phonenumber_field.modelfields import PhoneNumberField

from crudauth_django.checks.base import Messages, parsed, system_check
from crudauth_django.identity.fields import AnyField
from crudauth_django.identity.normalize import is_personal
from crudauth_django.models import AbstractAuthUser
from crudauth_django.security.tokens import MAX_KEY, key_field


def _field(model: type[models.Model], name: str) -> "AnyField | None":
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, models.Field) else None


def _is_unique(model: type[models.Model], field: AnyField) -> bool:
    return field.unique or any(
        constraint.fields == (field.name,)
        and constraint.condition is None
        and not constraint.expressions
        for constraint in model._meta.total_unique_constraints
    )


@system_check()
def check_user_model() -> Messages:
    """Check ``AUTH_USER_MODEL`` and its shape."""
    model = get_user_model()
    if not issubclass(model, AbstractAuthUser):
        yield checks.Error(
            f"AUTH_USER_MODEL {model._meta.label} is not an AbstractAuthUser.",
            hint="Inherit crudauth_django.models.AbstractAuthUser.",
            obj=model,
            id="crudauth.E001",
        )
        return
    key = key_field()
    # ASCII is assumed: a letter may need four bytes in UTF-8, and MAX_KEY is bytes.
    if isinstance(key, models.CharField | models.TextField) and (
        key.max_length is None or key.max_length > MAX_KEY
    ):
        yield checks.Error(
            f"The primary key {key.name!r} can be too long for a token.",
            hint=f"Declare it with max_length={MAX_KEY} at most, or use another key.",
            obj=key.model,
            id="crudauth.E033",
        )
    yield from _check_identifiers(model)
    if model.RECOVERY_FACTOR is not None:
        yield from _check_factor(model, model.RECOVERY_FACTOR)
    chosen = getattr(settings, "PHONENUMBER_DB_FORMAT", "E164")
    fields = [_field(model, name) for name in model.shape().columns]
    if chosen != "E164" and any(isinstance(f, PhoneNumberField) for f in fields):
        yield checks.Error(
            f"PHONENUMBER_DB_FORMAT is {chosen!r}: numbers would be stored in that "
            "format and looked up in E.164.",
            hint='Set PHONENUMBER_DB_FORMAT = "E164", or remove it.',
            obj=model,
            id="crudauth.E009",
        )


def _check_identifiers(model: type[AbstractAuthUser]) -> Messages:
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
                f"LOGIN_IDENTIFIERS names {name!r}, but the model has no such field.",
                hint="Declare the field. Only username and email are added for you.",
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


def _check_factor(model: type[AbstractAuthUser], name: str) -> Messages:
    field = _field(model, name)
    if field is None:
        yield checks.Error(
            f"RECOVERY_FACTOR names {name!r}, but the model has no such field.",
            hint=f"Declare {name} with unique=True, null=True, blank=True.",
            obj=model,
            id="crudauth.E005",
        )
        return
    if not _is_unique(model, field):
        yield checks.Error(
            f"The recovery factor {name!r} is not unique.",
            hint=f"Declare {name} with unique=True.",
            obj=model,
            id="crudauth.E006",
        )
    elif not field.null and name not in model.LOGIN_IDENTIFIERS:
        yield checks.Error(
            f"The recovery factor {name!r} is not nullable.",
            hint=f"Declare {name} with null=True, blank=True: it is NULL while an "
            "account only claims a value.",
            obj=model,
            id="crudauth.E007",
        )
    verified, pending = (_field(model, column) for column in model.shape().bookkeeping)
    fits = isinstance(verified, models.BooleanField), pending and not pending.unique
    for column, is_ours in zip(model.shape().bookkeeping, fits, strict=True):
        if not is_ours:
            yield checks.Error(
                f"The model declares its own {column!r}, but this field is added "
                "automatically.",
                hint=f"Remove your own {column}.",
                obj=model,
                id="crudauth.E008",
            )


def _recoverable_model() -> type[AbstractAuthUser] | None:
    """Return the user model; ``None`` without a recovery factor."""
    model = get_user_model()
    if issubclass(model, AbstractAuthUser) and model.RECOVERY_FACTOR is not None:
        return model
    return None


def _is_address(model: type[AbstractAuthUser], name: str) -> bool:
    field = _field(model, name)
    return name == model.RECOVERY_FACTOR or (field is not None and is_personal(field))


@system_check(deploy=True)
def check_claims() -> Messages:
    """Require a nullable factor, so that a new account can claim a taken value."""
    model = _recoverable_model()
    if model is None or model.RECOVERY_FACTOR is None:
        return
    field = _field(model, model.RECOVERY_FACTOR)
    if field and not field.null and len(model.LOGIN_IDENTIFIERS) > 1:
        yield checks.Warning(
            f"The recovery factor {field.name!r} is not nullable. A registration "
            "with another account's value creates no account: its user name stays "
            "free, which reveals the other account.",
            hint=f"Declare {field.name} with null=True, blank=True: the new account "
            "then only claims the value.",
            obj=model,
            id="crudauth.W006",
        )


@system_check(deploy=True)
def check_unverified_addresses() -> Messages:
    """Warn of addresses to log in with that are never verified."""
    model = _recoverable_model()
    if model is None:
        return
    for name in model.LOGIN_IDENTIFIERS:
        if name != model.RECOVERY_FACTOR and _is_address(model, name):
            yield checks.Warning(
                f"Users log in with the address {name!r}, but it is never verified: "
                "any client can register another person's address.",
                hint=f"Make {name} the recovery factor. If it is meant as a public "
                "name, silence this warning.",
                obj=model,
                id="crudauth.W008",
            )


@system_check(deploy=True)
def check_registration_oracle() -> Messages:
    """Warn if a login after a registration can reveal another account."""
    model = _recoverable_model()
    if model is None or parsed("CRUDAUTH_LOGIN_REQUIRES_VERIFIED"):
        return
    if any(_is_address(model, name) for name in model.LOGIN_IDENTIFIERS):
        yield checks.Warning(
            "Users log in with an address, also before they have verified it: a "
            "login right after a registration reveals whether the address was taken.",
            hint="Set CRUDAUTH_LOGIN_REQUIRES_VERIFIED = True: the login then fails "
            "in both cases, until the address is verified.",
            obj=model,
            id="crudauth.W001",
        )
