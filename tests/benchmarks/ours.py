"""The settings of the README on PostgreSQL, with raised limits: everything counts."""

from crudauth_django.channels import DeliveryChannel, DeliveryIntent
from tests.benchmarks.settings import *  # noqa: F403 (Django settings extend a base)
from tests.support.projects.phone import settings as phone

MIDDLEWARE = [each for each in phone.MIDDLEWARE if "messages" not in each]
INSTALLED_APPS = [
    each
    for each in phone.INSTALLED_APPS
    if each
    not in {
        "django.contrib.admin",
        "django.contrib.messages",
        "crudauth_django.delivery_log",
    }
]
ROOT_URLCONF = "crudauth_django.urls"
DATABASES = {"default": {**phone.DATABASES["default"], "CONN_MAX_AGE": 60}}
CRUDAUTH_CHANNELS = ["tests.benchmarks.ours.NoChannel"]


class NoChannel(DeliveryChannel):
    """A provider that takes no time."""

    def deliver(self, intent: DeliveryIntent) -> None:
        return
