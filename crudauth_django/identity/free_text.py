"""Identifiers that are free text: no value of one may be accepted as another's.

A login tries the identifiers in their order. An account with the name ``neo``
would shadow another account with the member number ``neo``.
"""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from crudauth_django.identity.fields import AnyField
from crudauth_django.identity.normalize import is_personal, normalize


def free_text_identifiers(model: type[models.Model]) -> list[AnyField]:
    """Return the identifiers that are no addresses, in the order of the model."""
    # A malformed declaration (crudauth.E002) has none.
    declared = getattr(model, "LOGIN_IDENTIFIERS", ())
    names = declared if isinstance(declared, list | tuple) else ()
    fields = [field for field in model._meta.concrete_fields if field.name in names]
    return [field for field in fields if not is_personal(field)]


def shadowing_field(user: models.Model) -> str | None:
    """Name an identifier whose value is another account's, in another column.

    The recovery factor is left out: the result would reveal who holds a value.
    Two accounts that are created at the same moment don't see each other. A
    database has no constraint over two columns, so a system check asks for
    fields that accept different forms.
    """
    model = type(user)
    factor = getattr(model, "RECOVERY_FACTOR", None)
    fields = [f for f in free_text_identifiers(model) if f.name != factor]
    for field in fields:
        shadowed = Q()
        for other in fields:
            try:
                value = normalize(other, getattr(user, field.name))
            except ValidationError:
                continue
            if other != field:
                shadowed |= Q(**{other.name: value})
        accounts = model._base_manager.exclude(pk=user.pk)
        if shadowed and accounts.filter(shadowed).exists():
            return field.name
    return None
