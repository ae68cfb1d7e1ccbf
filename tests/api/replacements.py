"""A project that replaces endpoints, paths and the account's serializer."""

from __future__ import annotations

from functools import wraps

from django.urls import include, path
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers

from crudauth_django.api.serializers import AccountSerializer
from crudauth_django.api.views import AccountViewSet, RecoveryViewSet
from crudauth_django.urls import build_urlpatterns


class JoinedSerializer(AccountSerializer):
    """Adds a column and a field that is computed from the request."""

    date_joined = serializers.DateTimeField(format="%Y")
    host = serializers.SerializerMethodField()

    def get_host(self, user) -> str:
        return self.context["request"].get_host()


class GreetingAccountViewSet(AccountViewSet):
    @extend_schema(responses={200: OpenApiResponse(description="With a greeting.")})
    @wraps(AccountViewSet.login)
    def login(self, request, *args, **kwargs):
        response = super().login(request, *args, **kwargs)
        response.data["greeting"] = "Hello."
        return response

    @wraps(AccountViewSet.change_password)
    def change_password(self, request, *args, **kwargs):
        response = super().change_password(request, *args, **kwargs)
        response["X-Tenant"] = kwargs["tenant"]
        return response


class NeutralRecoveryViewSet(RecoveryViewSet):
    @wraps(RecoveryViewSet.verify_request)
    def verify_request(self, request, *args, **kwargs):
        super().verify_request(request, *args, **kwargs)
        return self.detail_response("Look at your phone.")


replaced = build_urlpatterns(
    paths={"verify-request": "phone/verify", "me": "account"},
    account_viewset=GreetingAccountViewSet,
    recovery_viewset=NeutralRecoveryViewSet,
)

urlpatterns = [
    path(
        "<slug:tenant>/",
        include((replaced, "crudauth"), namespace="replaced"),
    ),
]
