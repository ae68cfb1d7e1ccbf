"""Check Django's own settings."""

from importlib.util import find_spec

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.utils.module_loading import import_string

from crudauth_django.backends import IdentifierBackend
from crudauth_django.checks.base import Messages, system_check
from crudauth_django.identity.passwords import preferred_hasher

MIDDLEWARE = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
)


def _lists(paths: list[str], needed: type) -> bool:
    try:
        listed = [import_string(path) for path in paths]
    except ImportError:
        return True  # Django reports it
    return any(isinstance(kind, type) and issubclass(kind, needed) for kind in listed)


@system_check()
def check_hasher() -> Messages:
    """Require Argon2, unless the project chose another hasher."""
    if preferred_hasher() != "default" and not find_spec("argon2"):
        yield checks.Error(
            "Passwords are hashed with Argon2, but argon2-cffi is not installed.",
            hint="Install argon2-cffi, or set PASSWORD_HASHERS.",
            id="crudauth.E022",
        )


@system_check()
def check_backend() -> Messages:
    """Require the lockout for every login."""
    if not _lists(settings.AUTHENTICATION_BACKENDS, IdentifierBackend):
        admin = "the admin and " if apps.is_installed("django.contrib.admin") else ""
        yield checks.Warning(
            "IdentifierBackend is not in AUTHENTICATION_BACKENDS: your identifiers "
            f"and the lockout do not apply to {admin}authenticate().",
            hint='Put "crudauth_django.backends.IdentifierBackend" in place of '
            '"django.contrib.auth.backends.ModelBackend".',
            id="crudauth.W010",
        )


@system_check()
def check_middleware() -> Messages:
    """Require the middleware of sessions and CSRF."""
    for path in MIDDLEWARE:
        if not _lists(settings.MIDDLEWARE, import_string(path)):
            yield checks.Error(
                f"{path} is not in MIDDLEWARE.",
                hint="Add it: /login opens sessions, and CSRF tokens protect them.",
                id="crudauth.E023",
            )
