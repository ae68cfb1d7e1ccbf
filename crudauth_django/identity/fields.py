"""The field of user names."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import models


class UsernameField(models.CharField):  # type: ignore[type-arg]  # as Django's own subclasses
    """A name to log in with.

    It has no ``@``, does not look like a phone number, and has letters of one
    script only (UTS #39).
    """

    default_validators = [UnicodeUsernameValidator()]

    def deconstruct(self) -> Any:
        """Name the public path, so that migrations do not depend on the layout."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "crudauth_django.models.UsernameField", args, kwargs
