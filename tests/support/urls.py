"""URLs of every test project: the package, the admin, and gated views."""

from django.contrib import admin
from django.http import HttpResponse
from django.urls import include, path
from rest_framework.decorators import api_view, permission_classes
from rest_framework.response import Response

from crudauth_django.permissions import IsRecoveryVerified, recovery_verified_required


@api_view(["GET"])
@permission_classes([IsRecoveryVerified])
def gated_api(request):
    return Response({"ok": True})


@recovery_verified_required
def gated_page(request):
    return HttpResponse("ok")


@recovery_verified_required
async def gated_async_page(request):
    return HttpResponse("ok")


urlpatterns = [
    path("admin/", admin.site.urls),
    path("gated-api", gated_api),
    path("gated-page", gated_page),
    path("gated-async-page", gated_async_page),
    path("", include("crudauth_django.urls")),
]
