"""The authentication backend for Django, the admin and the API."""

from typing import Any

from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from crudauth_django.client import client_of
from crudauth_django.counters.outages import report_outage
from crudauth_django.exceptions import (
    CountersUnavailable,
    InvalidCredentials,
    LockedOut,
)
from crudauth_django.models import AbstractAuthUser
from crudauth_django.security.credentials import AccountRefused, verify_credentials
from crudauth_django.users import user_model

__all__ = ["IdentifierBackend"]


class IdentifierBackend(ModelBackend):
    """Logs in by any identifier of the model, behind the lockout.

    List it in ``AUTHENTICATION_BACKENDS``, in place of ``ModelBackend``: the admin
    and ``authenticate()`` then follow the same rules as the API.
    """

    @sensitive_variables()
    def authenticate(  # type: ignore[override]  # as ModelBackend itself does
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **credentials: Any,
    ) -> AbstractAuthUser | None:
        """Return the user; ``None`` lets Django ask the next backend.

        It may know an unknown identifier, or an account without a usable password.
        Raises ``PermissionDenied`` for every other account, and during a lock, so
        that no later backend compares the password.
        """
        if username is None:
            username = credentials.get(user_model().USERNAME_FIELD)
        if username is None or password is None:
            return None
        try:
            return verify_credentials(
                identifier=str(username), password=password, client=client_of(request)
            )
        except (AccountRefused, LockedOut) as error:
            raise PermissionDenied from error
        except CountersUnavailable as error:
            report_outage(error)
            raise PermissionDenied from error
        except InvalidCredentials:
            return None

    # ModelBackend's own method would bypass the lockout.
    aauthenticate = BaseBackend.aauthenticate  # type: ignore[assignment]  # takes keywords only
