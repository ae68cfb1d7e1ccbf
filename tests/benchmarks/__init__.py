"""Measurements that run by hand: ``python -m tests.benchmarks.NAME``."""

import os

import django
from django.apps import apps

if not apps.ready:
    # The tests' support needs settings and models.
    os.environ.setdefault(
        "DJANGO_SETTINGS_MODULE", "tests.support.projects.phone.settings"
    )
    django.setup()
