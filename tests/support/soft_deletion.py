"""A default manager that hides accounts, as packages for soft deletion have it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from crudauth_django.models import AuthUserManager
from crudauth_django.users import user_model

#: The hidden accounts joined before this time.
LONG_AGO = datetime(1999, 1, 1, tzinfo=UTC)


class VisibleManager(AuthUserManager):
    """Hides the accounts that a project has deleted softly."""

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(date_joined__gt=LONG_AGO)


@contextmanager
def soft_deletion() -> Iterator[None]:
    """Let the default manager of the user model hide deleted accounts."""
    manager = VisibleManager()
    manager.model = user_model()
    options = vars(user_model()._meta)
    before = user_model()._meta.default_manager
    options["default_manager"] = manager
    try:
        yield
    finally:
        options["default_manager"] = before
