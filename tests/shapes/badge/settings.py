"""Log in and recover by columns that the package has never heard of."""

from tests.shapes.project import *  # noqa: F403
from tests.shapes.project import INSTALLED_APPS, OVERRIDES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.shapes.badge"]
AUTH_USER_MODEL = "badge.User"
CRUDAUTH_CHANNELS = ["tests.shapes.badge.channels.WhatsAppChannel"]
globals().update(OVERRIDES)
