"""URLs of a test project without a recovery factor: no gate could open."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("crudauth_django.urls")),
]
