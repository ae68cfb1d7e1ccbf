"""The shape ``phone`` with a task queue.

The environment's JSON can replace a list but cannot add to it, so the app is
added here.
"""

from datetime import timedelta

from tests.support.projects.phone.settings import *  # noqa: F403 (Django settings extend a base)
from tests.support.projects.phone.settings import DATABASES, OVERRIDES
from tests.support.projects.phone.settings import INSTALLED_APPS as PHONE_APPS

INSTALLED_APPS = [*PHONE_APPS, "django_tasks_db"]
# As in production: a worker that connects for every task is slow.
DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
CRUDAUTH_DISPATCHER = "crudauth_django.dispatch.TaskDispatcher"
CRUDAUTH_TARGET_BUDGET = None
CRUDAUTH_THROTTLES = {
    "register": None,
    "login": None,
    "verify_request": None,
    "reset_request": None,
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "DEBUG"},
}
#: Retries within seconds instead of minutes, for outages of any length.
CRUDAUTH_RETRY = {
    "TRIES": 1000,
    "BASE": timedelta(seconds=1),
    "MAX": timedelta(seconds=5),
    "LEASE": timedelta(seconds=8),
}
globals().update(OVERRIDES)
