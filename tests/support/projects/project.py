"""The settings that all test projects share.

The environment chooses the database and more settings, so that servers in other
processes have them, too: ``CRUDAUTH_TEST_DATABASE`` is a path for SQLite or a
``postgresql://`` or ``mysql://`` URI, ``CRUDAUTH_TEST_SETTINGS`` is JSON that
overrides settings by name.
"""

import json
import os
from importlib import import_module
from urllib.parse import parse_qs, urlsplit

ENGINES = {
    "postgresql": "django.db.backends.postgresql",
    "mysql": "django.db.backends.mysql",
}


def database(uri: str) -> dict[str, object]:
    """Read a database setting from a path or a URI."""
    parts = urlsplit(uri)
    if parts.scheme not in ENGINES:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": uri,
            "OPTIONS": {"timeout": 30},
        }
    if parts.scheme == "mysql":
        # In pure Python: it needs no compiler, and Django knows it by this name.
        import_module("pymysql").install_as_MySQLdb()
    query = parse_qs(parts.query)
    return {
        "ENGINE": ENGINES[parts.scheme],
        "NAME": parts.path.lstrip("/"),
        "USER": parts.username or "",
        "PASSWORD": parts.password or "",
        "HOST": query["host"][0] if "host" in query else parts.hostname or "",
        "PORT": str(parts.port or ""),
    }


SECRET_KEY = "for-tests-only-" + "0123456789" * 5
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "rest_framework",
    "phonenumber_field",
    "crudauth_django",
    "crudauth_django.delivery_log",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "tests.support.urls"
DATABASES = {"default": database(os.environ.get("CRUDAUTH_TEST_DATABASE", ":memory:"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
AUTHENTICATION_BACKENDS = ["crudauth_django.backends.IdentifierBackend"]
# Argon2 is the default of the package; most tests are not about hashing.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CRUDAUTH_CHANNELS = ["crudauth_django.channels.locmem.LocMemChannel"]
CRUDAUTH_DISPATCHER = "crudauth_django.dispatch.InlineDispatcher"
CRUDAUTH_FRONTEND_URL = "https://app.example.com"

#: Each shape's settings add these at the end.
OVERRIDES = json.loads(os.environ.get("CRUDAUTH_TEST_SETTINGS", "{}"))
