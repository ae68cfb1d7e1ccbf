"""The abstract user model, and the tables of counters, outbox and former values."""

from typing import Any, ClassVar, Self

from django.contrib.auth.models import PermissionsMixin
from django.db import models, router
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crudauth_django.identity.fields import UsernameField
from crudauth_django.identity.managers import (
    AuthUserManager,
    AuthUserQuerySet,
    implied_changes,
)
from crudauth_django.identity.metaclass import AuthUserBase
from crudauth_django.identity.normalize import to_text
from crudauth_django.identity.saving import SavingMixin
from crudauth_django.identity.sensitive import sensitive
from crudauth_django.identity.shape import Shape

__all__ = [
    "AbstractAuthUser",
    "AuthUserManager",
    "AuthUserQuerySet",
    "Counter",
    "FormerValue",
    "OutboxEntry",
    "UsernameField",
]


class AbstractAuthUser(SavingMixin, PermissionsMixin, metaclass=AuthUserBase):
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
    #: The columns of the package that the project declares, too (``crudauth.E008``).
    redeclared_fields: ClassVar[frozenset[str]] = frozenset()

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

    def __repr__(self) -> str:
        # Error reports show it, and the name may be a recovery value.
        return f"<{type(self).__name__}: #{self.pk}>"

    def natural_key(self) -> tuple[str | None]:  # type: ignore[override]  # Django's own hint is too narrow
        return (to_text(self.get_username()),)

    @classmethod
    def shape(cls) -> Shape:
        """Return the declared identifiers and recovery factor."""
        return Shape.of(cls.LOGIN_IDENTIFIERS, cls.RECOVERY_FACTOR)

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
        return sensitive(to_text(getattr(self, self.shape().recovery_factor)))

    @property
    def pending_value(self) -> str | None:
        """The recovery value that the account claims and has not verified."""
        return sensitive(to_text(getattr(self, self.shape().pending)))

    @property
    def is_recovery_verified(self) -> bool:
        """Whether the account has verified its recovery value."""
        shape = self.shape()
        if shape.factor is None or self.held_value is None:
            return False
        return getattr(self, shape.verified) is True

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
        a pending change of the recovery value. A field counts as changed again
        after its transaction is rolled back.
        """
        using = kwargs.get("using") or router.db_for_write(type(self), instance=self)
        self.settle_saves()
        if self._state.adding or kwargs.get("force_insert"):
            old_pk = self.pk
            self.prepare_insert()
            super().save(**kwargs)
            self.record_insert(using=using, old_pk=old_pk)
            return
        named = kwargs.pop("update_fields", None)
        changed = self.changed_fields()
        written = self.untracked_fields() | changed if named is None else set(named)
        changed = self.prepare_update(written)
        if self.shape().factor in changed:
            self.mark_unverified()
            written |= {*self.shape().bookkeeping, "auth_epoch"}
        super().save(update_fields=written, **kwargs)
        # Fields left out of update_fields stay marked as changed.
        self.record_update(changed, using=using)
        if implied := implied_changes(type(self), dict.fromkeys(written)):
            self.refresh_from_db(fields=[*implied], using=using)


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


class FormerValue(models.Model):
    """A recovery value that an account had verified until a change.

    For a day it also gets the notices of a changed password: the change may have
    been made by another person. ``crudauth_prune`` deletes expired rows.
    """

    user_pk = models.CharField(max_length=255, db_index=True)
    value = models.CharField(max_length=320)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("former recovery value")
        verbose_name_plural = _("former recovery values")

    def __str__(self) -> str:
        return f"#{self.user_pk}"
