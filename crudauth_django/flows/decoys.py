"""Rows that are inserted and deleted at once, in place of an account.

Keys are sequential, and each account learns its own. Without a decoy, the next
key would show whether the registration before it has inserted a row, that is,
whether its value was free.
"""

import secrets
from copy import copy
from functools import singledispatch

from django.db import connections, models, transaction
from django.db.models import Exists
from phonenumber_field.modelfields import PhoneNumberField

from crudauth_django.identity.fields import AnyField
from crudauth_django.models import AbstractAuthUser
from crudauth_django.users import (
    field_of,
    user_database,
    user_model,
    user_shape,
)

__all__ = ["decoy_value"]

#: The password of a decoy: Django's mark of an unusable one, and no hash.
DECOY_PASSWORD = "!decoy"  # noqa: S105 (no password has this hash)


@singledispatch
def decoy_value(field: AnyField) -> object:
    """Return a random value for this column that no account has.

    No rule for a text accepts it. A field of a new type registers its own rule.
    """
    return f"\x7f{secrets.token_hex(16)}"[: field.max_length]


@decoy_value.register
def _email(field: models.EmailField) -> str:  # type: ignore[type-arg]  # dispatch needs the class
    domain = "@decoy.invalid"  # RFC 2606
    return secrets.token_hex(16)[: (field.max_length or 254) - len(domain)] + domain


@decoy_value.register
def _phone(field: PhoneNumberField) -> str:
    # The ITU has assigned no country code 999.
    return f"+999{secrets.randbelow(10**12):012}"


@decoy_value.register
def _integer(field: models.IntegerField) -> int:  # type: ignore[type-arg]  # dispatch needs the class
    operations = connections[user_database()].ops
    _low, high = operations.integer_field_range(field.get_internal_type())
    high = high or 2**31 - 1
    return high - secrets.randbelow(high // 2)


def make_decoy(user: AbstractAuthUser, names: list[str]) -> AbstractAuthUser:
    """Return a copy of an unsaved account, with decoy values in these columns."""
    decoy = copy(user)
    decoy.password = DECOY_PASSWORD
    for name in names:
        if getattr(user, name) is not None:
            setattr(decoy, name, decoy_value(field_of(name)))
    return decoy


def make_plain_decoy(decoy: AbstractAuthUser) -> AbstractAuthUser:
    """Return a copy with the default of each column that has one.

    Identifiers and the factor keep their values.
    """
    plain = copy(decoy)
    kept = {"password", *user_shape().columns}
    for field in plain._meta.concrete_fields:
        default = field.get_default()
        if not (field.primary_key or field.name in kept) and (
            default is not None or field.null
        ):
            setattr(plain, field.attname, default)
    return plain


def insert_decoy(decoy: AbstractAuthUser) -> None:
    """Insert the row, or the rows of several tables, as ``save()`` would.

    No receiver of a signal gets a decoy. So this is ``save()`` without its
    signals: Django's ``bulk_create`` refuses models of several tables.
    """
    model = user_model()._meta.concrete_model
    database = user_database()
    with transaction.atomic(using=database, savepoint=False):
        decoy._save_parents(model, database, None, (model,))  # type: ignore[attr-defined]  # noqa: SLF001 (the reason is above)
        decoy._save_table(cls=model, force_insert=True, using=database)  # type: ignore[attr-defined]  # noqa: SLF001 (the reason is above)


def delete_decoy(row: AbstractAuthUser) -> None:
    """Delete the row if it is a decoy; an account is never deleted.

    One ``DELETE`` for each table. Django's ``delete()`` would first read the
    related rows, and a decoy has none.
    """
    model: type[models.Model] = user_model()._meta.concrete_model or user_model()
    database = user_database()
    rows = model._base_manager.using(database).filter(pk=row.pk)
    rows.filter(password=DECOY_PASSWORD)._raw_delete(database)  # noqa: SLF001 (the reason is above)
    for parent in model._meta.get_parent_list():
        key = getattr(row, parent._meta.pk.attname)
        orphans = parent._base_manager.using(database).filter(~Exists(rows), pk=key)
        orphans._raw_delete(database)  # noqa: SLF001 (the reason is above)
