"""Check the backends beside this package's own."""

from inspect import Parameter, signature
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.core import checks
from django.utils.module_loading import import_string

from crudauth_django.backends import IdentifierBackend
from crudauth_django.checks.base import Messages, result_or_error, system_check


@system_check()
def check_other_backends() -> Messages:
    """Allow no backend that compares passwords without the lockout."""
    listed = {
        path: result_or_error(import_string, path)
        for path in settings.AUTHENTICATION_BACKENDS
    }
    kinds = {path: kind for path, kind in listed.items() if isinstance(kind, type)}
    if not any(issubclass(kind, IdentifierBackend) for kind in kinds.values()):
        return  # crudauth.W010
    for path, kind in kinds.items():
        if not issubclass(kind, IdentifierBackend) and _accepts_password(kind):
            yield checks.Warning(
                f"{path!r} stands beside IdentifierBackend and accepts passwords: it "
                "compares them without the lockout.",
                hint="Put IdentifierBackend in place of ModelBackend. Silence this "
                "message for a backend that knows no password of your user model.",
                id="crudauth.W033",
            )


def _accepts_password(kind: Any) -> bool:
    """Return whether ``authenticate`` accepts a password.

    Subclasses of ``ModelBackend`` may accept it among other keywords.
    """
    method = getattr(kind, "authenticate", None)
    if method is None:
        return False
    parameters = signature(method).parameters
    keywords = any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values())
    return "password" in parameters or (keywords and issubclass(kind, ModelBackend))
