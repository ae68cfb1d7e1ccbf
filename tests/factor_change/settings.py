"""A live site whose factor changes; ``CRUDAUTH_TEST_FACTOR`` names the deployed code.

Each factor has a package with its models, and the migrations that lead to it.
"""

import os

from tests.support.projects import project
from tests.support.projects.project import *  # noqa: F403 (Django settings extend a base)

FACTOR = os.environ["CRUDAUTH_TEST_FACTOR"]
MIGRATIONS = os.environ.get("CRUDAUTH_TEST_MIGRATIONS", FACTOR)

INSTALLED_APPS = [
    *project.INSTALLED_APPS,
    f"tests.factor_change.{FACTOR}.apps.PeopleConfig",
]
AUTH_USER_MODEL = "people.User"
MIGRATION_MODULES = {"people": f"tests.factor_change.{MIGRATIONS}.migrations"}
globals().update(project.OVERRIDES)
