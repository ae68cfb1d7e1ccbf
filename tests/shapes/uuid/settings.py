"""The recipe's shape, with a UUID for a primary key."""

from tests.shapes.project import *  # noqa: F403
from tests.shapes.project import INSTALLED_APPS, OVERRIDES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.shapes.uuid"]
AUTH_USER_MODEL = "uuid.User"
globals().update(OVERRIDES)
