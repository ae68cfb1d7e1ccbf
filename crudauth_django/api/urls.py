"""The paths: no trailing slash, and the same names for every factor."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured
from rest_framework.routers import DynamicRoute, Route, SimpleRouter

from crudauth_django.api.views import AccountViewSet, RecoveryViewSet
from crudauth_django.conf.settings import get_settings
from crudauth_django.users import user_model

app_name = "crudauth"


class NeutralRouter(SimpleRouter):
    """Actions only, each under its own path and its own name."""

    routes: list[Route | DynamicRoute] = [
        DynamicRoute(
            url=r"^{url_path}$", name="{url_name}", detail=False, initkwargs={}
        )
    ]


def has_recovery() -> bool:
    """Whether there is something to recover by, and a channel to reach it over.

    A user model or a setting that is wrong is for the checks to report, which
    run after this is imported.
    """
    try:
        channels = get_settings().channels
    except ImproperlyConfigured:
        return True
    return bool(channels) and getattr(user_model(), "RECOVERY_FACTOR", None) is not None


router = NeutralRouter(trailing_slash=False)
router.register("", AccountViewSet, basename="account")
if has_recovery():
    router.register("", RecoveryViewSet, basename="recovery")

urlpatterns = router.urls
