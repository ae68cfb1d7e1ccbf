"""Log in by username; nothing to recover by."""

from tests.support.projects.project import *  # noqa: F403 (Django settings extend a base)
from tests.support.projects.project import INSTALLED_APPS, OVERRIDES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.support.projects.username"]
AUTH_USER_MODEL = "username.User"
ROOT_URLCONF = "tests.support.ungated_urls"
CRUDAUTH_CHANNELS: list[str] = []
globals().update(OVERRIDES)
