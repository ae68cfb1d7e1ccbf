"""Check the user model: its declaration, and information that it would reveal."""

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.db import models
from phonenumber_field.modelfields import PhoneNumberField

from crudauth_django.checks.base import Messages, parsed, system_check
from crudauth_django.identity.fields import AnyField
from crudauth_django.identity.normalize import is_personal
from crudauth_django.models import AbstractAuthUser, AuthUserQuerySet
from crudauth_django.security.tokens import MAX_KEY, key_field
from crudauth_django.users import has_sole_identifier, user_model, user_shape


def _field(name: str | None) -> "AnyField | None":
    """Return a field of the user model, or ``None``."""
    fields = user_model()._meta.concrete_fields
    return next((field for field in fields if field.name == name), None)


def recovery_field() -> "AnyField | None":
    """Return the field of the recovery factor; ``None`` if there is none."""
    model = user_model()
    ours = issubclass(model, AbstractAuthUser)
    return _field(model.RECOVERY_FACTOR if ours else None)


def _is_unique(field: AnyField) -> bool:
    constraints = user_model()._meta.total_unique_constraints
    return field.unique or any(each.fields == (field.name,) for each in constraints)


@system_check()
def check_user_model() -> Messages:
    """Check ``AUTH_USER_MODEL`` and its shape."""
    model = user_model()
    if not issubclass(model, AbstractAuthUser):
        ours = (m for m in apps.get_models() if issubclass(m, AbstractAuthUser))
        own = next((each._meta.label for each in ours), "accounts.User")
        yield checks.Error(
            f"AUTH_USER_MODEL {model._meta.label} is not an AbstractAuthUser.",
            hint=f'Set AUTH_USER_MODEL = "{own}", a model that '
            "inherits crudauth_django.models.AbstractAuthUser.",
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
    yield from _check_identifiers(model.LOGIN_IDENTIFIERS)
    if model.RECOVERY_FACTOR is not None:
        yield from _check_factor(model.RECOVERY_FACTOR)
    chosen = getattr(settings, "PHONENUMBER_DB_FORMAT", "E164")
    fields = [_field(name) for name in user_shape().columns]
    if chosen != "E164" and any(isinstance(f, PhoneNumberField) for f in fields):
        yield checks.Error(
            f"PHONENUMBER_DB_FORMAT is {chosen!r}: numbers would be stored in that "
            "format and looked up in E.164.",
            hint='Set PHONENUMBER_DB_FORMAT = "E164", or remove it.',
            obj=model,
            id="crudauth.E009",
        )


def _check_identifiers(names: tuple[str, ...]) -> Messages:
    if not names or not isinstance(names, tuple | list):
        yield checks.Error(
            "LOGIN_IDENTIFIERS is not a tuple with at least one field name.",
            hint='Write LOGIN_IDENTIFIERS = ("username",), with the comma.',
            obj=user_model(),
            id="crudauth.E002",
        )
        return
    for name in names:
        field = _field(name)
        if field is None:
            yield checks.Error(
                f"LOGIN_IDENTIFIERS names {name!r}, but the model has no such field.",
                hint="Declare the field. Only username and email are added for you.",
                obj=user_model(),
                id="crudauth.E003",
            )
        elif not _is_unique(field):
            yield checks.Error(
                f"The identifier {name!r} is not unique.",
                hint=f"Declare {name} with unique=True.",
                obj=user_model(),
                id="crudauth.E004",
            )


def _check_factor(name: str) -> Messages:
    field = _field(name)
    if field is None:
        yield checks.Error(
            f"RECOVERY_FACTOR names {name!r}, but the model has no such field.",
            hint=f"Declare {name} with unique=True, null=True, blank=True.",
            obj=user_model(),
            id="crudauth.E005",
        )
        return
    if not _is_unique(field):
        yield checks.Error(
            f"The recovery factor {name!r} is not unique.",
            hint=f"Declare {name} with unique=True.",
            obj=user_model(),
            id="crudauth.E006",
        )
    elif not field.null and name not in user_shape().identifiers:
        yield checks.Error(
            f"The recovery factor {name!r} is not nullable.",
            hint=f"Declare {name} with null=True, blank=True: it is NULL while an "
            "account only claims a value.",
            obj=user_model(),
            id="crudauth.E007",
        )
    for column in sorted(user_model().redeclared_fields):
        yield checks.Error(
            f"The model declares its own {column!r}, but this field is added "
            "automatically.",
            hint=f"Remove your own {column}. If a migration has made the column, its "
            "values stay: reset those that no flow has written.",
            obj=user_model(),
            id="crudauth.E008",
        )


def _addresses() -> list[str]:
    """Return the identifiers that are addresses, if accounts have a factor."""
    factor = recovery_field()
    fields = map(_field, user_shape().identifiers) if factor else ()
    return [f.name for f in fields if f and (f == factor or is_personal(f))]


@system_check()
def check_managers() -> Messages:
    """Require writes by the rules of ``save()``, and a base manager without them."""
    model = user_model()
    if not issubclass(model, AbstractAuthUser):
        return
    if isinstance(model._base_manager.get_queryset(), AuthUserQuerySet):
        yield checks.Error(
            f"The base manager {model._meta.base_manager_name!r} changes what the "
            "flows write.",
            hint="Remove base_manager_name from Meta.",
            obj=model,
            id="crudauth.E038",
        )
    for manager in model._meta.managers:
        if not isinstance(manager.get_queryset(), AuthUserQuerySet):
            yield checks.Warning(
                f"The manager {manager.name!r} writes past the rules of save(): with "
                "update(), a new recovery value stays verified.",
                hint="Inherit it from AuthUserManager, and its queryset from "
                "AuthUserQuerySet (crudauth_django.models).",
                obj=model,
                id="crudauth.W018",
            )


@system_check(deploy=True)
def check_claims() -> Messages:
    """Require a nullable factor, so that a new account can claim a taken value."""
    field = recovery_field()
    if field and not field.null and len(user_shape().identifiers) > 1:
        yield checks.Warning(
            f"The recovery factor {field.name!r} is not nullable. A registration "
            "with another account's value creates no account: its user name stays "
            "free, which reveals the other account.",
            hint=f"Declare {field.name} with null=True, blank=True: the new account "
            "then only claims the value.",
            obj=user_model(),
            id="crudauth.W006",
        )


@system_check(deploy=True)
def check_unverified_addresses() -> Messages:
    """Warn of addresses to log in with that are never verified."""
    for name in _addresses():
        if name != user_model().RECOVERY_FACTOR:
            yield checks.Warning(
                f"Users log in with the address {name!r}, but it is never verified: "
                "any client can register another person's address.",
                hint=f"Make {name} the recovery factor. If it is meant as a public "
                "name, silence this warning.",
                obj=user_model(),
                id="crudauth.W008",
            )


@system_check(deploy=True)
def check_registration_oracle() -> Messages:
    """Warn if a login after a registration can reveal another account."""
    if not _addresses():
        return
    required = parsed("CRUDAUTH_LOGIN_REQUIRES_VERIFIED")
    if not (has_sole_identifier() if required is None else required):
        yield checks.Warning(
            "Users log in with an address, also before they have verified it: a "
            "login right after a registration reveals whether the address was taken.",
            hint="Set CRUDAUTH_LOGIN_REQUIRES_VERIFIED = True: the login then fails "
            "in both cases, until the address is verified.",
            obj=user_model(),
            id="crudauth.W001",
        )
