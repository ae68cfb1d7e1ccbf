"""The same project after the adoption, with Django's default password hashers."""

from tests.support.projects import project
from tests.support.projects.project import *  # noqa: F403 (Django settings extend a base)

INSTALLED_APPS = [*project.INSTALLED_APPS, "tests.adoption.after.apps.PeopleConfig"]
AUTH_USER_MODEL = "people.User"
MIGRATION_MODULES = {"people": "tests.adoption.migrations"}
del PASSWORD_HASHERS  # noqa: F821 (imported with *)
globals().update(project.OVERRIDES)
