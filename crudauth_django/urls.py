"""Include this: ``path("", include("crudauth_django.urls"))``."""

from crudauth_django.api.urls import app_name, urlpatterns

__all__ = ["app_name", "urlpatterns"]
