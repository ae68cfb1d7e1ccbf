"""The page, and an endpoint for verified members only."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from rest_framework.authentication import SessionAuthentication
from rest_framework.decorators import (
    api_view,
    authentication_classes,
    permission_classes,
)
from rest_framework.request import Request
from rest_framework.response import Response

from crudauth_django.permissions import IsRecoveryVerified


@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    """Serve the page. The links in messages open it too."""
    response = render(request, "accounts/page.html")
    response["Content-Security-Policy"] = "default-src 'self'; img-src 'self' data:"
    return response


@api_view(["GET"])
@authentication_classes([SessionAuthentication])
@permission_classes([IsRecoveryVerified])
def members(request: Request) -> Response:
    """Greet a member with a verified number."""
    return Response({"detail": f"Welcome to the members' room, {request.user}."})
