"""What drf-spectacular can't read from the code: the answers.

Loaded when ``drf_spectacular`` is in ``INSTALLED_APPS`` (extra ``openapi``);
nothing else of the package knows it.
"""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiViewExtension,
)
from drf_spectacular.utils import (
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
    inline_serializer,
)
from rest_framework import serializers, status

from crudauth_django.users import user_model, user_shape

_REFUSED = OpenApiResponse(
    response={
        "type": "object",
        "properties": {"detail": {"type": "string"}, "code": {"type": "string"}},
        "additionalProperties": {"type": "array", "items": {"type": "string"}},
    },
    description="One `detail` with its `code`, or a list of errors for each field.",
)


class CrudauthDetail(serializers.Serializer[Any]):
    """One sentence."""

    detail = serializers.CharField()


def _said(code: int, *refused: int) -> Any:
    """Describe an endpoint that answers with one sentence."""
    return extend_schema(responses={code: CrudauthDetail, **_refusals(*refused)})


def _refusals(*codes: int) -> dict[int, Any]:
    always = (status.HTTP_400_BAD_REQUEST, status.HTTP_503_SERVICE_UNAVAILABLE)
    return dict.fromkeys((*always, *codes), _REFUSED)


def _account() -> serializers.Serializer[Any]:
    """Describe ``/me``: the identifiers, the factor, whether it is verified."""
    names = user_shape()
    fields: dict[str, Any] = {"id": _key_field()}
    fields |= {name: serializers.CharField(allow_null=True) for name in names.columns}
    if names.factor is not None:
        fields[names.verified] = serializers.BooleanField()
    return inline_serializer("CrudauthAccount", fields)


def _key_field() -> serializers.Field[Any, Any, Any, Any]:
    builder: serializers.ModelSerializer[Any] = serializers.ModelSerializer()
    pk = user_model()._meta.pk
    kind, options = builder.build_standard_field(pk.name, pk)
    return kind(**{k: v for k, v in options.items() if k != "read_only"})


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """A session cookie, and a CSRF token for what changes something."""

    target_class = "crudauth_django.api.authentication.SessionAuthentication"
    name = "crudauthSession"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}


class AccountSchema(OpenApiViewExtension):  # type: ignore[no-untyped-call]
    """The answers of the account endpoints."""

    target_class = "crudauth_django.api.views.AccountViewSet"

    def view_replacement(self) -> Any:
        opened = inline_serializer(
            "CrudauthSession",
            {
                "id": _key_field(),
                "username": serializers.CharField(),
                "csrf_token": serializers.CharField(),
            },
        )
        registered: dict[int, Any] = (
            {status.HTTP_201_CREATED: _account()}
            if user_shape().factor is None
            else {status.HTTP_202_ACCEPTED: CrudauthDetail}
        )
        return extend_schema_view(
            register=extend_schema(responses={**registered, **_refusals(403, 429)}),
            login=extend_schema(
                responses={status.HTTP_200_OK: opened, **_refusals(401, 403, 429)}
            ),
            logout=extend_schema(
                request=None,
                responses={
                    status.HTTP_200_OK: CrudauthDetail,
                    **_refusals(401, 403),
                },
            ),
            me=extend_schema(
                responses={status.HTTP_200_OK: _account(), **_refusals(401)}
            ),
            change_password=_said(status.HTTP_200_OK, 401, 403, 429),
        )(cast("Any", self.target_class))


class RecoverySchema(OpenApiViewExtension):  # type: ignore[no-untyped-call]
    """The answers of the recovery endpoints."""

    target_class = "crudauth_django.api.views.RecoveryViewSet"

    def view_replacement(self) -> Any:
        return extend_schema_view(
            verify_request=_said(status.HTTP_200_OK, 429),
            verify_confirm=_said(status.HTTP_200_OK),
            reset_request=_said(status.HTTP_200_OK, 429),
            reset_confirm=_said(status.HTTP_200_OK),
            change_request=_said(status.HTTP_200_OK, 401, 403, 429),
            change_confirm=_said(status.HTTP_200_OK),
        )(cast("Any", self.target_class))
