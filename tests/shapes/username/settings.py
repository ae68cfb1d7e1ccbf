"""Log in by username; nothing to recover by."""

from tests.shapes.project import *  # noqa: F403
from tests.shapes.project import INSTALLED_APPS, OVERRIDES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.shapes.username"]
AUTH_USER_MODEL = "username.User"
CRUDAUTH_CHANNELS: list[str] = []
globals().update(OVERRIDES)
