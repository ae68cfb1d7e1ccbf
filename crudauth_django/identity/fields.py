"""Types of fields, and the field of user names."""

from typing import Any, TypeAlias

from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

AnyField: TypeAlias = "models.Field[Any, Any]"


class UsernameField(models.CharField):  # type: ignore[type-arg]  # as Django's own subclasses
    """A name to log in with.

    It has no ``@``, does not look like a phone number, and has letters of one
    script only (UTS #39).
    """

    # Django's own text names "@", which this field refuses.
    default_validators = [
        UnicodeUsernameValidator(
            message=_("Use letters, digits and the characters . + - _ only.")
        )
    ]
