"""The OpenAPI schema, made by the command that projects use."""

from __future__ import annotations

import pytest
import yaml
from django.conf import settings

from crudauth_django.urls import urlpatterns
from tests.support import parts

pytestmark = pytest.mark.slow


def generate(folder, **project):
    file = folder / "schema.yaml"
    env = parts.environment(
        database=":memory:",
        settings={
            "INSTALLED_APPS": [*settings.INSTALLED_APPS, "drf_spectacular"],
            "REST_FRAMEWORK": {
                "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"
            },
            **project,
        },
    )
    parts.manage(
        "spectacular", "--validate", "--fail-on-warn", "--file", str(file), env=env
    )
    return yaml.safe_load(file.read_text())


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    folder = tmp_path_factory.mktemp("schema")
    return generate(folder, ROOT_URLCONF="crudauth_django.urls")


@pytest.fixture(scope="module")
def replaced(tmp_path_factory):
    return generate(
        tmp_path_factory.mktemp("replaced"),
        ROOT_URLCONF="tests.api.replacements",
        CRUDAUTH_ACCOUNT_SERIALIZER="tests.api.replacements.JoinedSerializer",
    )


def test_schema_describes_every_endpoint(schema):
    expected = {"/" + str(entry.pattern).strip("^$") for entry in urlpatterns}

    assert set(schema["paths"]) == expected


def test_schema_of_login_lists_all_responses(schema):
    responses = schema["paths"]["/login"]["post"]["responses"]

    body = responses["200"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/CrudauthSession"}
    assert set(responses) == {"200", "400", "401", "403", "429", "503"}


def test_schema_of_account_names_the_factor(schema):
    account = schema["components"]["schemas"]["CrudauthAccount"]["properties"]

    assert set(account) == {"id", "username", "phone", "phone_verified"}


def test_schema_of_replaced_endpoints_has_same_responses(schema, replaced):
    def responses(description, path):
        (operation,) = description["paths"][path].values()
        return operation["responses"]

    renamed = {"me": "account", "email/verify-request": "phone/verify"}
    paths = {path.strip("/") for path in schema["paths"]}

    assert set(replaced["paths"]) == {
        f"/{{tenant}}/{renamed.get(path, path)}" for path in paths
    }
    for path in paths - {"login"}:
        mounted = f"/{{tenant}}/{renamed.get(path, path)}"
        assert responses(replaced, mounted) == responses(schema, f"/{path}")


def test_schema_has_own_annotation_of_replaced_endpoint(replaced):
    responses = replaced["paths"]["/{tenant}/login"]["post"]["responses"]

    assert list(responses) == ["200"]
    assert responses["200"]["description"] == "With a greeting."


def test_schema_of_account_has_fields_of_own_serializer(replaced):
    account = replaced["components"]["schemas"]["CrudauthAccount"]["properties"]

    assert list(account) == [
        "id",
        "username",
        "phone",
        "phone_verified",
        "date_joined",
        "host",
    ]
