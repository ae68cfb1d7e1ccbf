"""Log in by phone, recover by phone."""

from tests.shapes.project import *  # noqa: F403
from tests.shapes.project import INSTALLED_APPS, OVERRIDES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.shapes.phone_login"]
AUTH_USER_MODEL = "phone_login.User"
globals().update(OVERRIDES)
