"""Log in by username or email, recover by email."""

from tests.shapes.project import *  # noqa: F403
from tests.shapes.project import INSTALLED_APPS, OVERRIDES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.shapes.email_username"]
AUTH_USER_MODEL = "email_username.User"
globals().update(OVERRIDES)
