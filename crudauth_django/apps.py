"""The app."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CrudauthConfig(AppConfig):
    """Label, URL namespace and check prefix are all ``crudauth``."""

    name = "crudauth_django"
    label = "crudauth"
    verbose_name = _("accounts and recovery")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks, and what answers questions in every process."""
        from crudauth_django import checks
        from crudauth_django.flows import delivery

        _ = checks, delivery
