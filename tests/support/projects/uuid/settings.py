"""The recipe's shape, with a UUID for a primary key."""

from tests.support.projects.project import *  # noqa: F403 (Django settings extend a base)
from tests.support.projects.project import INSTALLED_APPS, OVERRIDES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.support.projects.uuid"]
AUTH_USER_MODEL = "uuid.User"
globals().update(OVERRIDES)
