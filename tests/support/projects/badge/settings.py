"""Log in and recover by columns that the package has never heard of."""

from tests.support.projects.project import *  # noqa: F403 (Django settings extend a base)
from tests.support.projects.project import INSTALLED_APPS, OVERRIDES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.support.projects.badge"]
AUTH_USER_MODEL = "badge.User"
CRUDAUTH_CHANNELS = ["tests.support.projects.badge.channels.WhatsAppChannel"]
globals().update(OVERRIDES)
