"""URLs of the example project."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from accounts.views import members, page
from gateway.views import messages

urlpatterns = [
    path("admin/", admin.site.urls),
    path("members", members),
    path("", page),
    path("verify", page),
    path("reset", page),
    path("change", page),
    path("", include("crudauth_django.urls")),
]
if settings.DEBUG:
    urlpatterns.append(path("gateway/messages", messages))
