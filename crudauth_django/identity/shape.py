"""The shape of an account, as a user model declares it."""

from dataclasses import dataclass
from typing import Self

from django.core.exceptions import ImproperlyConfigured

__all__ = ["Shape"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """The identifiers and the recovery factor of a user model."""

    identifiers: tuple[str, ...]
    factor: str | None

    @classmethod
    def of(cls, identifiers: object, factor: object) -> Self:
        """Return the shape of a declaration; a malformed part counts as missing."""
        listed = identifiers if isinstance(identifiers, tuple | list) else ()
        return cls(
            identifiers=tuple(name for name in listed if isinstance(name, str)),
            factor=factor if isinstance(factor, str) else None,
        )

    @property
    def recovery_factor(self) -> str:
        """The recovery factor; raises ``ImproperlyConfigured`` if there is none."""
        if self.factor is None:
            raise ImproperlyConfigured("This user model has no recovery factor.")
        return self.factor

    @property
    def verified(self) -> str:
        """The name of the flag beside the factor: ``<factor>_verified``."""
        return f"{self.recovery_factor}_verified"

    @property
    def pending(self) -> str:
        """The name of the column for claims: ``<factor>_pending``."""
        return f"{self.recovery_factor}_pending"

    @property
    def bookkeeping(self) -> tuple[str, ...]:
        """The columns that the package adds beside the factor; may be empty."""
        return () if self.factor is None else (self.verified, self.pending)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every identifier and the factor, without repetition."""
        factor = () if self.factor is None else (self.factor,)
        return tuple(dict.fromkeys(self.identifiers + factor))
