"""A project before the adoption, with Django's ``AbstractUser`` and hasher."""

from tests.support.projects.project import *  # noqa: F403 (Django settings extend a base)
from tests.support.projects.project import INSTALLED_APPS

INSTALLED_APPS = [
    *(app for app in INSTALLED_APPS if not app.startswith("crudauth_django")),
    "tests.adoption.before.apps.PeopleConfig",
]
AUTH_USER_MODEL = "people.User"
MIGRATION_MODULES = {"people": "tests.adoption.before.migrations"}
ROOT_URLCONF = "tests.adoption.urls_before"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
