from django.urls import include, path

from accounts.views import Vault, report, request_reset, statement

urlpatterns = [
    path("vault", Vault.as_view()),
    path("statements/<int:number>", statement),
    path("reports/<str:name>", report),
    path("reset", request_reset),
    path("", include("crudauth_django.urls")),
]
