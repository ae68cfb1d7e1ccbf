"""The URLs of a project with a gate that no account can pass."""

from django.urls import include, path

from tests.support.urls import gated_page

urlpatterns = [
    path("page", gated_page),
    path("", include("crudauth_django.urls")),
]
