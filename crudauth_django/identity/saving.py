"""Save an account: only what changed, normalized, and with what follows from it."""

from collections.abc import Collection, Iterable
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from crudauth_django.identity.fields import AnyField
from crudauth_django.identity.free_text import shadowing_field
from crudauth_django.identity.managers import implied_changes, stored_value
from crudauth_django.identity.passwords import CredentialsMixin
from crudauth_django.identity.shape import Shape


class SavingMixin(CredentialsMixin):
    """The parts of ``save()``, and ``clean()``, of a user model of any shape."""

    class Meta:
        abstract = True

    @classmethod
    def shape(cls) -> Shape:
        """Return the declared identifiers and recovery factor."""
        raise NotImplementedError

    def _do_update(
        self,
        base_qs: Any,
        using: Any,
        pk_val: Any,
        values: Any,
        update_fields: Any,
        *args: Any,
    ) -> Any:
        # Receivers of pre_save have had their turn: these values are final. A
        # fixture names every column, and has no update_fields.
        if update_fields is not None:
            changes = {field.name: value for field, _model, value in values}
            shape = self.shape()
            if shape.factor in changes.keys() & self.changed_fields():
                # The row decides, not the instance.
                for name in (*shape.bookkeeping, "auth_epoch"):
                    changes.pop(name, None)
            implied = implied_changes(type(self), changes)
            # The implied changes come first, and replace others.
            merged = {**implied, **changes, **implied}
            fields = self._meta.get_field
            values = [(fields(name), None, value) for name, value in merged.items()]
        return super()._do_update(base_qs, using, pk_val, values, update_fields, *args)

    def prepare_insert(self) -> None:
        """Normalize every identity value; without a recovery value, unverify."""
        self._normalize_fields(self.shape().columns)
        factor = self.shape().factor
        if factor is not None and getattr(self, factor) is None:
            setattr(self, self.shape().verified, False)

    def prepare_update(self, names: Iterable[str]) -> set[str]:
        """Normalize the changed identity values; return the changed fields."""
        changed = self.changed_fields() & {*names}
        self._normalize_fields(changed & {*self.shape().columns})
        return changed & self.changed_fields()

    def mark_unverified(self) -> None:
        """Set the flag and the claim of an account whose recovery value changed."""
        setattr(self, self.shape().verified, False)
        setattr(self, self.shape().pending, None)

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
            try:
                setattr(self, name, stored_value(field, getattr(self, name)))
            except ValidationError as error:
                errors[name] = error
        if errors:
            raise ValidationError(errors)
