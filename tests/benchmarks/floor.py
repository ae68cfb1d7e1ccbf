"""The floor: bare Django and REST framework, with only the work that can't be avoided.

No limits, no lockout and no messages. It is settings and URLs in one module.
"""

from __future__ import annotations

import os

from django.contrib.auth import authenticate, get_user_model, login
from django.core import signing
from django.http import HttpRequest
from django.urls import path
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.response import Response

from tests.support.projects.project import database

SECRET_KEY = "for-tests-only-" + "0123456789" * 5
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "rest_framework",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = __name__
DATABASES = {
    "default": {**database(os.environ["CRUDAUTH_TEST_DATABASE"]), "CONN_MAX_AGE": 60}
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]


class Credentials(serializers.Serializer):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=128)


class Registration(Credentials):
    phone = serializers.CharField(max_length=30)


class Value(serializers.Serializer):
    phone = serializers.CharField(max_length=30)


class Token(serializers.Serializer):
    token = serializers.CharField(max_length=200)


def valid(kind: type[serializers.Serializer], request: HttpRequest) -> dict[str, str]:
    serializer = kind(data=request.data)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data


@api_view(["POST"])
def register(request):
    data = valid(Registration, request)
    get_user_model().objects.create_user(
        data["username"], password=data["password"], last_name=data["phone"]
    )
    return Response({"detail": "Welcome."}, status=202)


@api_view(["POST"])
def log_in(request):
    user = authenticate(request, **valid(Credentials, request))
    if user is None:
        return Response({"detail": "Incorrect."}, status=401)
    login(request, user)
    return Response({"id": user.pk})


@api_view(["POST"])
def request_message(request):
    valid(Value, request)
    return Response({"detail": "On its way."})


@api_view(["POST"])
def confirm(request):
    pk = signing.loads(valid(Token, request)["token"], max_age=86400)
    user = get_user_model().objects.get(pk=pk)
    get_user_model().objects.filter(pk=user.pk, is_staff=False).update(is_staff=True)
    return Response({"detail": "Verified."})


@api_view(["GET"])
def me(request):
    if not request.user.is_authenticated:
        return Response({"detail": "Not signed in."}, status=401)
    return Response({"id": request.user.pk, "username": request.user.username})


urlpatterns = [
    path("register", register),
    path("login", log_in),
    path("email/verify-request", request_message),
    path("password/reset-request", request_message),
    path("email/verify-confirm", confirm),
    path("me", me),
]
