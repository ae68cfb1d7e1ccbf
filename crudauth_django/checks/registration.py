"""Check what a registration reveals, and which names it accepts."""

from collections.abc import Iterable
from itertools import chain, combinations
from typing import Any

from django.core import checks
from django.core.exceptions import ValidationError
from django.db.models import F, UniqueConstraint
from django.utils.module_loading import import_string

from crudauth_django.checks.base import Messages, parsed, result_or_error, system_check
from crudauth_django.identity.fields import AnyField
from crudauth_django.identity.free_text import free_text_identifiers
from crudauth_django.identity.normalize import is_personal, normalize
from crudauth_django.models import AbstractAuthUser
from crudauth_django.users import field_of, unique_fields, user_model, user_shape

#: Forms of names and numbers, of which each length up to the longest is tried.
SAMPLES = ("a", "1", "a1", "e-1")
LONGEST_SAMPLE = 40


def _other_unique_fields() -> list[str]:
    """Return the unique fields beside identifiers and factor.

    Also those of unique constraints with several fields, expressions or conditions.
    """
    if not issubclass(user_model(), AbstractAuthUser):
        return []  # crudauth.E001
    names = [*unique_fields(), *chain(*user_model()._meta.unique_together)]
    for each in user_model()._meta.constraints:
        if isinstance(each, UniqueConstraint):
            expressions: Iterable[Any] = each.expressions
            parts = chain.from_iterable(e.flatten() for e in expressions)
            named = [getattr(part, "name", "") for part in parts if type(part) is F]
            names += [*each.fields, *named]
    return [name for name in dict.fromkeys(names) if name not in user_shape().columns]


def _excludes_second_accounts() -> bool:
    """Return whether an account with a held address may not exist, not even unverified.

    Then a registration with it writes nothing, and a name in it stays free.
    """
    shape = user_shape()
    if shape.factor is None:
        return False
    identifiers = [n for n in shape.identifiers if n != shape.factor]
    return (
        not identifiers
        or not field_of(shape.recovery_factor).null
        or any(is_personal(field_of(name)) for name in identifiers)
    )


def _opted_in_fields() -> set[str]:
    """Return the fields that a body of ``/register`` may hold."""
    serializer = result_or_error(
        import_string, parsed("CRUDAUTH_REGISTER_SERIALIZER") or ""
    )
    declared: Iterable[str] = getattr(serializer, "_declared_fields", ())
    return {*(parsed("CRUDAUTH_REGISTER_EXTRA_FIELDS") or ()), *declared}


@system_check()
def check_personal_extras() -> Messages:
    """Refuse unique addresses that ``/register`` writes and nothing verifies."""
    for name in _other_unique_fields():
        if name in _opted_in_fields() and is_personal(field_of(name)):
            yield checks.Error(
                f"/register writes the address {name!r}, which is unique and never "
                "verified: a registration with it reveals whether an account has it.",
                hint=f"Declare {name} without unique=True, or make it the recovery "
                "factor.",
                obj=user_model(),
                id="crudauth.E042",
            )


@system_check()
def check_handles() -> Messages:
    """Refuse public names that a registration takes only if the address is free."""
    for name in _other_unique_fields():
        if (
            name in _opted_in_fields()
            and not is_personal(field_of(name))
            and _excludes_second_accounts()
        ):
            yield checks.Error(
                f"/register writes {name!r}, which is unique. It is taken only if the "
                "registration creates an account, so the next one with the same "
                f"{name!r} reveals whether the address was held.",
                hint=f"Let users set {name} after they have verified the account. Or "
                "make it an identifier beside the recovery factor, which must then be "
                "nullable.",
                obj=user_model(),
                id="crudauth.E043",
            )


@system_check(deploy=True)
def check_unique_extras() -> Messages:
    """Warn of other unique fields that a registration may write."""
    opted_in = _opted_in_fields()
    computed = parsed("CRUDAUTH_NEW_USER_FIELDS") is not None
    for name in _other_unique_fields():
        personal = is_personal(field_of(name))
        if name in opted_in and not personal and not _excludes_second_accounts():
            yield checks.Warning(
                f"/register writes {name!r}, which is unique: the response reports "
                "whether an account has a value.",
                hint=f"If {name} identifies a person, declare it without unique=True. "
                "If it is a public name, silence this warning.",
                obj=user_model(),
                id="crudauth.W040",
            )
        elif name not in opted_in and personal and computed:
            yield checks.Warning(
                f"CRUDAUTH_NEW_USER_FIELDS may write the address {name!r}, which is "
                "unique and never verified: if a client chooses the value, a "
                "registration reveals whether an account has it.",
                hint=f"Declare {name} without unique=True. If your function doesn't "
                "write it, silence this warning.",
                obj=user_model(),
                id="crudauth.W041",
            )


def _accepts(field: AnyField, text: str) -> bool:
    try:
        return bool(normalize(field, text))
    except ValidationError:
        return False


@system_check(deploy=True)
def check_disjoint_identifiers() -> Messages:
    """Warn if one text is accepted as the value of two identifiers."""
    samples = [
        (sample[:-1] + sample[-1] * length)[:length]
        for length in range(1, LONGEST_SAMPLE + 1)
        for sample in SAMPLES
    ]
    for first, second in combinations(free_text_identifiers(user_model()), 2):
        text = next(
            (t for t in samples if _accepts(first, t) and _accepts(second, t)), None
        )
        if text is not None:
            yield checks.Warning(
                f"The identifiers {first.name!r} and {second.name!r} both accept "
                f"{text!r}. An account that takes the value of another account in "
                "the other field could receive its logins.",
                hint="Give the fields validators that accept different forms, such as "
                "digits alone for one of them.",
                obj=user_model(),
                id="crudauth.W042",
            )
