"""Describe the responses to drf-spectacular, which can't read them from the code.

Loaded if ``drf_spectacular`` is in ``INSTALLED_APPS`` (extra ``openapi``). Only
this module knows it.
"""
# The extensions' __init_subclass__ has no types.
# mypy: allow-untyped-calls

from typing import Any

from django.utils.module_loading import import_string
from drf_spectacular import extensions, utils
from rest_framework import serializers, status

from crudauth_django.api.fields import KeyField
from crudauth_django.api.serializers import AccountSerializer
from crudauth_django.conf.settings import get_settings
from crudauth_django.users import user_model, user_shape

_ERROR = utils.OpenApiResponse(
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


def _responses(
    *errors: int,
    code: int = status.HTTP_200_OK,
    body: Any = CrudauthDetail,
    **extra: Any,
) -> Any:
    """Describe a success, by default one sentence, and the errors."""
    always = (status.HTTP_400_BAD_REQUEST, status.HTTP_503_SERVICE_UNAVAILABLE)
    responses = {code: body, **dict.fromkeys((*always, *errors), _ERROR)}
    return utils.extend_schema(responses=responses, **extra)


def _annotate(viewset: Any, **schemas: Any) -> Any:
    """Annotate the actions that the project has not annotated."""
    missing = {
        name: schema
        for name, schema in schemas.items()
        if "schema" not in getattr(viewset, name).kwargs
    }
    return utils.extend_schema_view(**missing)(viewset)


class SessionScheme(extensions.OpenApiAuthenticationExtension):
    """A session cookie; unsafe methods also need a CSRF token."""

    target_class = "crudauth_django.api.authentication.SessionAuthentication"
    name = "crudauthSession"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}


class KeySchema(extensions.OpenApiSerializerFieldExtension):
    """The type of the primary key."""

    target_class = "crudauth_django.api.fields.KeyField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Any:
        key = user_model()._meta.pk
        return auto_schema._map_model_field(key, direction)  # noqa: SLF001 (as its docs do)


# Also the name of a project's subclass.
utils.extend_schema_serializer(component_name="CrudauthAccount")(AccountSerializer)


class AccountSchema(extensions.OpenApiViewExtension):
    """The responses of the account endpoints."""

    target_class = "crudauth_django.api.views.AccountViewSet"
    match_subclasses = True

    def view_replacement(self) -> Any:
        session = utils.inline_serializer(
            "CrudauthSession",
            {
                "id": KeyField(),
                "username": serializers.CharField(),
                "csrf_token": serializers.CharField(),
            },
        )
        account = import_string(get_settings().account_serializer)
        registered = (
            {"code": status.HTTP_201_CREATED, "body": account}
            if user_shape().factor is None
            else {"code": status.HTTP_202_ACCEPTED}
        )
        return _annotate(
            self.target,
            register=_responses(403, 429, **registered),
            login=_responses(401, 403, 429, body=session),
            logout=_responses(401, 403, request=None),
            me=_responses(401, body=account),
            change_password=_responses(401, 403, 429),
        )


class RecoverySchema(extensions.OpenApiViewExtension):
    """The responses of the recovery endpoints."""

    target_class = "crudauth_django.api.views.RecoveryViewSet"
    match_subclasses = True

    def view_replacement(self) -> Any:
        return _annotate(
            self.target,
            verify_request=_responses(429),
            verify_confirm=_responses(429),
            reset_request=_responses(429),
            reset_confirm=_responses(),
            change_request=_responses(401, 403, 429),
            change_confirm=_responses(429),
        )
