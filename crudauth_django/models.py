"""The abstract user model, its manager, and the table of the counters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Self, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from crudauth_django import passwords
from crudauth_django.declaration import AuthUserBase
from crudauth_django.guard import GuardedModel
from crudauth_django.spelling import UsernameField, normalize, text_of

__all__ = [
    "AbstractAuthUser",
    "AuthUserManager",
    "Counter",
    "OpenQuestion",
    "UsernameField",
]

_UserT = TypeVar("_UserT", bound="AbstractAuthUser")


class AuthUserManager(BaseUserManager[_UserT]):
    """Creates accounts of any shape; every value is stored in its one spelling."""

    @sensitive_variables("password")
    def create_user(self, *, password: str | None = None, **values: Any) -> _UserT:
        """Create an account; without a password, nobody can log in with one.

        Raises ``ValidationError`` for a value that can't be spelled, and
        ``IntegrityError`` for one that another account has.
        """
        user = self.model(**values)
        user.set_password(password)
        user.save(using=self._db)
        return user

    @sensitive_variables("password")
    def create_superuser(self, *, password: str | None = None, **values: Any) -> _UserT:
        """Create an account that may do everything."""
        flags = {"is_staff": True, "is_superuser": True}
        return self.create_user(password=password, **{**flags, **values})

    def get_by_natural_key(self, username: str | None) -> _UserT:
        """Find by ``USERNAME_FIELD``, in any spelling."""
        name = self.model.USERNAME_FIELD
        try:
            spelled = normalize(self.model._meta.get_field(name), username)  # type: ignore[arg-type]
        except ValidationError as error:
            raise self.model.DoesNotExist from error
        return self.get(**{name: spelled})


class AbstractAuthUser(
    GuardedModel, AbstractBaseUser, PermissionsMixin, metaclass=AuthUserBase
):
    """A user whose way in and way back are declared on the class.

    ``username`` and ``email`` are emitted where they are named and not
    declared; every other column is the app's own. Beside the recovery factor
    stand ``<factor>_verified`` and ``<factor>_pending``: the flows write them,
    nobody else.
    """

    #: The first identifier; Django and third-party apps read it.
    USERNAME_FIELD: ClassVar[str]

    is_staff = models.BooleanField(
        _("staff status"),
        default=False,
        help_text=_("Designates whether the user can log into this admin site."),
    )
    is_active = models.BooleanField(
        _("active"),
        default=True,
        help_text=_(
            "Designates whether this user should be treated as active. "
            "Unselect this instead of deleting accounts."
        ),
    )
    date_joined = models.DateTimeField(
        _("date joined"), default=timezone.now, editable=False
    )

    objects: ClassVar[AuthUserManager[Self]] = AuthUserManager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.display_name or f"#{self.pk}"

    def natural_key(self) -> tuple[str | None]:  # type: ignore[override]
        return (text_of(self.get_username()),)

    @property
    def held_value(self) -> str | None:
        """The recovery value in the account's own column."""
        return text_of(getattr(self, self.shape().recovery_factor))

    @property
    def pending_value(self) -> str | None:
        """The recovery value that the account has claimed and not yet proven."""
        return text_of(getattr(self, self.shape().pending))

    @property
    def is_recovery_verified(self) -> bool:
        """Whether the account proved that it controls its recovery value."""
        shape = self.shape()
        return shape.factor is not None and getattr(self, shape.verified) is True

    @property
    def recovery_value(self) -> str | None:
        """The recovery value as its owner sees it.

        A verified account's is the one it holds. An unverified one's is what it
        claimed last, held or not: it looks the same from inside whether or not
        another account has the value.
        """
        if self.shape().factor is None:
            return None
        if self.is_recovery_verified:
            return self.held_value
        return self.pending_value or self.held_value

    @property
    def display_name(self) -> str:
        """The name to call this account by: its first identifier.

        A recovery value counts as the account shows it, held or only claimed.
        """
        shape = self.shape()
        for name in shape.identifiers:
            claimed = self.recovery_value if name == shape.factor else None
            if found := claimed or text_of(getattr(self, name)):
                return found
        return ""

    @sensitive_variables()
    def set_password(self, raw_password: str | None) -> None:
        """Hash with Argon2, or with the project's own ``PASSWORD_HASHERS``."""
        self.password = passwords.hash_password(raw_password)
        self._password = raw_password

    @sensitive_variables()
    def check_password(self, raw_password: str | None) -> bool:
        """Compare; a hash of an older kind is replaced, unless it changed meanwhile."""
        return passwords.check_password(raw_password, self.password, self._rehash)

    async def acheck_password(self, raw_password: str | None) -> bool:
        """See :meth:`check_password`."""
        return await sync_to_async(self.check_password)(raw_password)

    @sensitive_variables()
    def _rehash(self, raw_password: str) -> None:
        fresh = passwords.hash_password(raw_password)
        same_row = type(self)._default_manager.filter(
            pk=self.pk, password=self.password
        )
        if same_row.update(password=fresh):
            self.password = fresh
            self._remember(["password"])

    def get_session_auth_hash(self) -> str:
        """Return what a session must still know to go on: password and epoch."""
        return self._session_hash(settings.SECRET_KEY)

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """Return the same under each key of ``SECRET_KEY_FALLBACKS``."""
        for secret in settings.SECRET_KEY_FALLBACKS:
            yield self._session_hash(secret)

    def _session_hash(self, secret: str | bytes) -> str:
        return salted_hmac(
            "crudauth_django.models.AbstractAuthUser.session",
            f"{self.auth_epoch}:{self.password}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()


class Counter(models.Model):
    """How often something happened, until it is forgotten.

    ``key`` is a keyed hash: no row says whom it counts.
    """

    key = models.CharField(max_length=64, primary_key=True)
    value = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("counter")
        verbose_name_plural = _("counters")

    def __str__(self) -> str:
        return self.key


class OpenQuestion(models.Model):
    """A question that a durable queue has yet to have answered.

    It holds the value that somebody asked about, and never a token. Once it
    is answered the row is gone.
    """

    id = models.CharField(max_length=32, primary_key=True)
    question = models.JSONField()
    #: Before this, nobody tries: it was tried not long ago, or is being tried.
    due_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("open question")
        verbose_name_plural = _("open questions")

    def __str__(self) -> str:
        return self.id
