"""Log in by username or email, recover by email."""

from tests.support.projects.project import *  # noqa: F403 (Django settings extend a base)
from tests.support.projects.project import INSTALLED_APPS, OVERRIDES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.support.projects.email_username"]
AUTH_USER_MODEL = "email_username.User"
globals().update(OVERRIDES)
