from http import HTTPStatus
from typing import assert_type

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from crudauth_django.flows import recovery
from crudauth_django.permissions import IsRecoveryVerified, recovery_verified_required


class Vault(APIView):
    permission_classes = (IsRecoveryVerified,)

    def get(self, request: Request) -> Response:
        return Response({"verified": True})


@recovery_verified_required
def statement(request: HttpRequest, number: int) -> HttpResponse:
    assert_type(request.user, User | AnonymousUser)
    return HttpResponse(f"{number} of {request.user.get_username()}")


@recovery_verified_required
async def report(request: HttpRequest, *, name: str) -> HttpResponse:
    return HttpResponse(name)


def request_reset(request: HttpRequest) -> HttpResponse:
    recovery.request_reset(value=request.POST["phone"])
    return HttpResponse(status=HTTPStatus.ACCEPTED)
