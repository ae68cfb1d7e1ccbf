"""The OpenAPI schema, made by the command that projects use."""

from __future__ import annotations

import pytest
import yaml
from django.conf import settings

from crudauth_django.urls import urlpatterns
from tests.support import parts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    file = tmp_path_factory.mktemp("schema") / "schema.yaml"
    env = parts.environment(
        database=":memory:",
        settings={
            "INSTALLED_APPS": [*settings.INSTALLED_APPS, "drf_spectacular"],
            "ROOT_URLCONF": "crudauth_django.urls",
            "REST_FRAMEWORK": {
                "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"
            },
        },
    )
    parts.manage(
        "spectacular", "--validate", "--fail-on-warn", "--file", str(file), env=env
    )
    return yaml.safe_load(file.read_text())


def test_schema_describes_every_endpoint(schema):
    expected = {"/" + str(entry.pattern).strip("^$") for entry in urlpatterns}

    assert set(schema["paths"]) == expected


def test_schema_of_login_lists_its_responses(schema):
    responses = schema["paths"]["/login"]["post"]["responses"]

    body = responses["200"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/CrudauthSession"}
    assert set(responses) == {"200", "400", "401", "403", "429", "503"}


def test_schema_of_account_names_the_factor(schema):
    account = schema["components"]["schemas"]["CrudauthAccount"]["properties"]

    assert set(account) == {"id", "username", "phone", "phone_verified"}
