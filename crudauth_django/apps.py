"""The app."""

from importlib import import_module

from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _


class CrudauthConfig(AppConfig):
    """Label, URL namespace and check prefix are all ``crudauth``."""

    name = "crudauth_django"
    label = "crudauth"
    verbose_name = _("accounts and recovery")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, and the schema of the API."""
        import_module("crudauth_django.checks")
        if apps.is_installed("drf_spectacular"):
            import_module("crudauth_django.api.schema")
