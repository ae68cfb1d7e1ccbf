"""Several mounts of the API: the default, with URL arguments, and replaced."""

from django.urls import include, path, re_path

from crudauth_django.urls import build_urlpatterns

with_slash = build_urlpatterns(trailing_slash=True)

urlpatterns = [
    path("", include("crudauth_django.urls")),
    path("api/<str:version>/", include("crudauth_django.urls", namespace="versions")),
    re_path(r"^shops/(\w+)/", include("crudauth_django.urls", namespace="shops")),
    path(
        "tenants/<uuid:tenant>/",
        include((with_slash, "crudauth"), namespace="tenants"),
    ),
    path("replaced/", include("tests.api.replacements")),
]
