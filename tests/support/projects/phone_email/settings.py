"""Log in by phone or email, recover by phone."""

from tests.support.projects.project import *  # noqa: F403 (Django settings extend a base)
from tests.support.projects.project import INSTALLED_APPS, OVERRIDES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.support.projects.phone_email"]
AUTH_USER_MODEL = "phone_email.User"
globals().update(OVERRIDES)
