"""The manager of user models of any shape."""

from typing import Any, Never, TypeVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.views.decorators.debug import sensitive_variables

from crudauth_django.identity.normalize import normalize
from crudauth_django.identity.querysets import AuthUserQuerySet

UserT = TypeVar("UserT", bound=AbstractBaseUser)


class AuthUserManager(BaseUserManager[UserT]):
    """Creates accounts; every identifier and recovery value is normalized.

    Its rows are an :class:`AuthUserQuerySet`.
    """

    _queryset_class = AuthUserQuerySet

    @sensitive_variables("password")
    def create_user(
        self, *positional: Never, password: str | None = None, **values: Any
    ) -> UserT:
        """Create an account; without a password, password logins always fail.

        Raises ``ValidationError`` for a value that cannot be normalized, and
        ``IntegrityError`` for one that another account has.
        """
        if positional:
            # Models of different shapes would read the same arguments differently.
            model: Any = self.model
            name = model.USERNAME_FIELD
            raise TypeError(f"Pass keywords: create_user({name}=…, password=…)")
        user = self.model(**values)
        user.set_password(password)
        user.save(using=self._db)
        return user

    @sensitive_variables("password")
    def create_superuser(
        self, *positional: Never, password: str | None = None, **values: Any
    ) -> UserT:
        """Create an account with every permission."""
        flags = {"is_staff": True, "is_superuser": True}
        return self.create_user(*positional, password=password, **{**flags, **values})

    def get_by_natural_key(self, username: str | None) -> UserT:
        """Return the account with this ``USERNAME_FIELD``, normalized or not."""
        model: Any = self.model
        name = model.USERNAME_FIELD
        try:
            normalized = normalize(model._meta.get_field(name), username)
        except ValidationError as error:
            raise model.DoesNotExist from error
        return self.get(**{name: normalized})
