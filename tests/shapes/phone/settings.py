"""The recipe's shape: log in by username, recover by phone."""

from tests.shapes.project import *  # noqa: F403
from tests.shapes.project import INSTALLED_APPS, OVERRIDES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.shapes.phone"]
AUTH_USER_MODEL = "phone.User"
globals().update(OVERRIDES)
