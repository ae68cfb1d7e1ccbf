"""The recipe's shape: log in by username, recover by phone."""

from tests.support.projects.project import *  # noqa: F403 (Django settings extend a base)
from tests.support.projects.project import INSTALLED_APPS, OVERRIDES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.support.projects.phone"]
AUTH_USER_MODEL = "phone.User"
globals().update(OVERRIDES)
