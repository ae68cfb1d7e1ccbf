"""Log in by email, recover by email."""

from tests.support.projects.project import *  # noqa: F403 (Django settings extend a base)
from tests.support.projects.project import INSTALLED_APPS, OVERRIDES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.support.projects.email"]
AUTH_USER_MODEL = "email.User"
# It is on by default for this shape. Many tests are about unverified sessions.
CRUDAUTH_LOGIN_REQUIRES_VERIFIED = False
globals().update(OVERRIDES)
