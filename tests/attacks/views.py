"""A third-party view that calls ``authenticate``, and its URLs."""

from __future__ import annotations

from django.contrib.auth import authenticate
from django.urls import include, path
from rest_framework.decorators import api_view, authentication_classes
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.response import Response


@api_view(["POST"])
@authentication_classes([])
def token_view(request):
    """Exchange credentials for a token.

    A failure is raised, so ``ATOMIC_REQUESTS`` rolls the request back.
    """
    user = authenticate(
        request._request,
        username=request.data["username"],
        password=request.data["password"],
    )
    if user is None:
        raise AuthenticationFailed
    return Response({"token": "x"})


urlpatterns = [path("token", token_view), path("", include("tests.support.urls"))]
