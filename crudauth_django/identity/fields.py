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


class VerifiedField(models.BooleanField):  # type: ignore[type-arg]  # as Django's own subclasses
    """Whether an account has verified the value of its factor.

    It is false until a flow sets it. Migrations name the factor, so
    ``makemigrations`` never offers to rename the flag of one factor to another's.
    """

    non_db_attrs = (*models.BooleanField.non_db_attrs, "factor")

    def __init__(self, *, factor: str, **kwargs: Any) -> None:
        self.factor = factor
        super().__init__(**kwargs | {"default": False, "editable": False})

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["default"], kwargs["editable"]
        return name, path, args, {"factor": self.factor, **kwargs}
