"""Types of fields, and the field of user names."""

from typing import Any, TypeAlias

from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import models

AnyField: TypeAlias = "models.Field[Any, Any]"


class UsernameField(models.CharField):  # type: ignore[type-arg]  # as Django's own subclasses
    """A name to log in with.

    It has no ``@``, does not look like a phone number, and has letters of one
    script only (UTS #39).
    """

    default_validators = [UnicodeUsernameValidator()]
