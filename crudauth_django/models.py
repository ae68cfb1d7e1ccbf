"""The abstract user model, and the tables of the counters and the outbox."""

from collections.abc import Collection, Iterable
from typing import Any, ClassVar, Self, cast

from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crudauth_django.identity.fields import AnyField, UsernameField
from crudauth_django.identity.free_text import shadowing_field
from crudauth_django.identity.manager import AuthUserManager
from crudauth_django.identity.metaclass import AuthUserBase
from crudauth_django.identity.normalize import normalize, to_text
from crudauth_django.identity.passwords import CredentialsMixin
from crudauth_django.identity.shape import Shape

__all__ = [
    "AbstractAuthUser",
    "AuthUserManager",
    "Counter",
    "OutboxEntry",
    "UsernameField",
]


class AbstractAuthUser(CredentialsMixin, PermissionsMixin, metaclass=AuthUserBase):
    """A user model with configurable identifiers and a recovery factor.

    ``username`` and ``email`` are added if they are named and not declared.
    Every other field is the project's own. The flows write
    ``<factor>_verified`` and ``<factor>_pending``; no request and no form does.
    """

    #: The unique fields to log in with, tried in this order.
    LOGIN_IDENTIFIERS: ClassVar[tuple[str, ...]] = ("username",)
    #: The unique field to recover by, or ``None``.
    RECOVERY_FACTOR: ClassVar[str | None] = None
    #: The first identifier, for Django and third-party apps.
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
    #: Raising it ends every session and voids every token.
    auth_epoch = models.PositiveIntegerField(default=0, editable=False)

    objects: ClassVar[AuthUserManager[Self]] = AuthUserManager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.display_name or f"#{self.pk}"

    def natural_key(self) -> tuple[str | None]:  # type: ignore[override]  # Django's own hint is too narrow
        return (to_text(self.get_username()),)

    @classmethod
    def shape(cls) -> Shape:
        """Return the declared identifiers and recovery factor."""
        return Shape(
            identifiers=tuple(cls.LOGIN_IDENTIFIERS), factor=cls.RECOVERY_FACTOR
        )

    @classmethod
    def tracked_fields(cls) -> tuple[str, ...]:
        """Return the fields that a full ``save()`` writes only if they changed."""
        shape = cls.shape()
        privileges = ("is_active", "is_staff", "is_superuser")
        credentials = ("password", "auth_epoch")
        return (*credentials, *privileges, *shape.columns, *shape.bookkeeping)

    @property
    def held_value(self) -> str | None:
        """The recovery value in the account's own column."""
        return to_text(getattr(self, self.shape().recovery_factor))

    @property
    def pending_value(self) -> str | None:
        """The recovery value that the account claims and has not verified."""
        return to_text(getattr(self, self.shape().pending))

    @property
    def is_recovery_verified(self) -> bool:
        """Whether the account has verified its recovery value."""
        shape = self.shape()
        return shape.factor is not None and getattr(self, shape.verified) is True

    @property
    def recovery_value(self) -> str | None:
        """The recovery value to show to the account's owner.

        It is the stored value if that is verified, otherwise the pending or the
        stored one. The owner of an unverified account must not learn whether
        the value is pending because another account has it.
        """
        if self.shape().factor is None:
            return None
        if self.is_recovery_verified:
            return self.held_value
        return self.pending_value or self.held_value

    @property
    def display_name(self) -> str:
        """The first identifier that has a value; ``""`` if none has one.

        A recovery value is shown as in :attr:`recovery_value`.
        """
        shape = self.shape()
        for name in shape.identifiers:
            claimed = self.recovery_value if name == shape.factor else None
            if found := claimed or to_text(getattr(self, name)):
                return found
        return ""

    def save(self, **kwargs: Any) -> None:
        """Save the row, but identity and credential fields only if they changed.

        Django's ``save()`` writes every field: an instance that was read before
        a password reset would restore the old password. A changed recovery
        value is unverified and ends every session. A changed password cancels
        a pending change of the recovery value.
        """
        columns = set(self.shape().columns)
        if self._state.adding or kwargs.get("force_insert"):
            self._normalize_fields(columns)
            super().save(**kwargs)
            self.mark_saved(self.tracked_fields())
            return
        changed = self.changed_fields()
        named = kwargs.pop("update_fields", None)
        written = self.untracked_fields() | changed if named is None else set(named)
        self._normalize_fields(written & changed & columns)
        moved = self.shape().factor in written & self.changed_fields()
        if moved:
            setattr(self, self.shape().verified, False)
            setattr(self, self.shape().pending, None)
            self.auth_epoch = F("auth_epoch") + 1
            written |= {*self.shape().bookkeeping, "auth_epoch"}
        elif "password" in written & changed and self.is_recovery_verified:
            # Another person may have known the old password and asked for it.
            setattr(self, self.shape().pending, None)
            written.add(self.shape().pending)
        super().save(update_fields=written, **kwargs)
        # Fields left out of update_fields stay marked as changed.
        self.mark_saved(written & set(self.tracked_fields()))
        if moved:
            self.refresh_from_db(fields=["auth_epoch"], using=kwargs.get("using"))

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """Leave the identity fields to :meth:`clean`.

        A field's own validators may be stricter than the flows:
        ``PhoneNumberField`` refuses numbers of unassigned ranges.
        """
        super().clean_fields(exclude={*(exclude or ()), *self.shape().columns})

    def clean(self) -> None:
        """Normalize changed identity fields; raises ``ValidationError`` by field.

        An unchanged value is not checked: a form for another field must not
        refuse a value that is older than this package.
        """
        columns = set(self.shape().columns)
        self._normalize_fields(
            columns if self._state.adding else columns & self.changed_fields()
        )
        if (name := shadowing_field(self)) is not None:
            raise ValidationError({name: _("This is already in use.")})

    def _normalize_fields(self, names: Iterable[str]) -> None:
        errors = {}
        for name in names:
            field = cast(AnyField, self._meta.get_field(name))
            value = getattr(self, name)
            empty = value is None or value == ""
            try:
                normalized = None if empty and field.null else normalize(field, value)
            except ValidationError as error:
                errors[name] = error
            else:
                setattr(self, name, normalized)
        if errors:
            raise ValidationError(errors)


class Counter(models.Model):
    """A number that expires; ``key`` is a keyed hash, so it identifies no person."""

    key = models.CharField(max_length=64, primary_key=True)
    value = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("counter")
        verbose_name_plural = _("counters")

    def __str__(self) -> str:
        return self.key


class OutboxEntry(models.Model):
    """A pending message of a durable queue (the *transactional outbox* pattern).

    It holds the recovery value and never a token. The row is deleted when the
    message is delivered or given up.
    """

    id = models.CharField(max_length=32, primary_key=True)
    message = models.JSONField()
    #: The next attempt, or the end of the current worker's lease.
    due_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("outbox entry")
        verbose_name_plural = _("outbox entries")

    def __str__(self) -> str:
        return self.id
