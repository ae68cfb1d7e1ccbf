"""Include this: ``path("", include("crudauth_django.urls"))``.

The paths have no trailing slash. Paths and names are the same for every factor.
"""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, path

from crudauth_django.api.base import CrudauthViewSet
from crudauth_django.api.views import AccountViewSet, RecoveryViewSet
from crudauth_django.conf.settings import get_settings
from crudauth_django.users import user_model

__all__ = ["app_name", "build_urlpatterns", "urlpatterns"]

app_name = "crudauth"


def build_urlpatterns(
    *,
    trailing_slash: bool = False,
    paths: Mapping[str, str] | None = None,
    account_viewset: type[AccountViewSet] = AccountViewSet,
    recovery_viewset: type[RecoveryViewSet] = RecoveryViewSet,
) -> list[URLPattern]:
    """Return the URLs of the API, or of subclasses of its view sets.

    ``paths`` maps URL names to other paths, without a trailing slash. Include
    the result as ``include((build_urlpatterns(...), "crudauth"))``. Raises
    ``ImproperlyConfigured`` for a name that no endpoint has.
    """
    paths = paths or {}
    end = "/" if trailing_slash else ""
    actions: list[tuple[type[CrudauthViewSet], Any]] = [
        (viewset, action)
        for viewset in (account_viewset, recovery_viewset)
        for action in viewset.get_extra_actions()
    ]
    if unknown := set(paths) - {action.url_name for _, action in actions}:
        raise ImproperlyConfigured(f"No endpoint is named {sorted(unknown)}.")
    recovers = has_recovery()
    return [
        path(
            paths.get(action.url_name, action.url_path) + end,
            viewset.as_view(dict(action.mapping), detail=False, **action.kwargs),
            name=action.url_name,
        )
        for viewset, action in actions
        if viewset is account_viewset or recovers
    ]


def has_recovery() -> bool:
    """Return whether accounts have a recovery factor and a channel to reach it.

    URLs are imported before the checks run. So a wrong user model or setting
    raises nothing here, and the checks report it.
    """
    try:
        channels = get_settings().channels
    except ImproperlyConfigured:
        return True
    return bool(channels) and getattr(user_model(), "RECOVERY_FACTOR", None) is not None


urlpatterns = build_urlpatterns()
