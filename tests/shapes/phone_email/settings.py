"""Log in by phone or email, recover by phone."""

from tests.shapes.project import *  # noqa: F403
from tests.shapes.project import INSTALLED_APPS, OVERRIDES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.shapes.phone_email"]
AUTH_USER_MODEL = "phone_email.User"
globals().update(OVERRIDES)
