"""The same project after the adoption, with Django's default password hashers."""

from tests.shapes import project
from tests.shapes.project import *  # noqa: F403

INSTALLED_APPS = [*project.INSTALLED_APPS, "tests.adoption.after.apps.PeopleConfig"]
AUTH_USER_MODEL = "people.User"
MIGRATION_MODULES = {"people": "tests.adoption.migrations"}
del PASSWORD_HASHERS  # noqa: F821 (imported with *)
globals().update(project.OVERRIDES)
