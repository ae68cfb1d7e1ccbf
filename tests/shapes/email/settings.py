"""Log in by email, recover by email."""

from tests.shapes.project import *  # noqa: F403
from tests.shapes.project import INSTALLED_APPS, OVERRIDES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.shapes.email"]
AUTH_USER_MODEL = "email.User"
globals().update(OVERRIDES)
