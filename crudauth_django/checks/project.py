"""Check Django's own settings."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.urls import get_resolver
from django.utils.module_loading import import_string

from crudauth_django.backends import IdentifierBackend
from crudauth_django.checks.base import Messages, result_or_error, system_check
from crudauth_django.identity.passwords import preferred_hasher
from crudauth_django.permissions import REQUIRES_FACTOR, IsRecoveryVerified

#: The session engines that need a table.
SESSIONS_IN_TABLE = (
    "django.contrib.sessions.backends.db",
    "django.contrib.sessions.backends.cached_db",
)
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
def check_sessions() -> Messages:
    """Require the app whose table holds the sessions."""
    engine, app = settings.SESSION_ENGINE, "django.contrib.sessions"
    if engine in SESSIONS_IN_TABLE and not apps.is_installed(app):
        yield checks.Error(
            f"{app} is not in INSTALLED_APPS, so there is no table for the sessions "
            "that /login opens.",
            hint=f'Add "{app}" to INSTALLED_APPS and run migrate, or set another '
            "SESSION_ENGINE.",
            id="crudauth.E040",
        )


@system_check()
def check_guarded_views() -> Messages:
    """Require a recovery factor if a view requires a verified one."""
    # A model without the attribute is not ours: crudauth.E001.
    if getattr(get_user_model(), "RECOVERY_FACTOR", "") is not None:
        return
    resolver = result_or_error(get_resolver)
    for name in dict.fromkeys(guarded_views(resolver)):
        yield checks.Error(
            f"The view {name} requires a verified recovery value, but accounts have "
            "no recovery factor: no request can pass.",
            hint="Set RECOVERY_FACTOR on the user model, or remove "
            "IsRecoveryVerified or recovery_verified_required from the view.",
            id="crudauth.E041",
        )


def guarded_views(resolver: Any) -> Iterator[str]:
    """Yield the names of mounted views that require a verified recovery value."""
    for pattern in getattr(resolver, "url_patterns", ()):
        view = getattr(pattern, "callback", None)
        if view is None:
            yield from guarded_views(pattern)
            continue
        # DRF's views are functions that name their class.
        named = getattr(view, "cls", view)
        required = getattr(named, "permission_classes", ())
        if IsRecoveryVerified in required or hasattr(view, REQUIRES_FACTOR):
            yield f"{named.__module__}.{named.__name__}"


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
