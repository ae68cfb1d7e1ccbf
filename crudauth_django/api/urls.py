"""The paths of the seed: no trailing slash, neutral names."""

from __future__ import annotations

from rest_framework.routers import DynamicRoute, Route, SimpleRouter

from crudauth_django.api.views import AccountViewSet, RecoveryViewSet
from crudauth_django.conf import get_settings
from crudauth_django.identity import shape

app_name = "crudauth"


class NeutralRouter(SimpleRouter):
    """Actions only, each under its own path and its own name."""

    routes: list[Route | DynamicRoute] = [  # noqa: RUF012 (DRF's own form)
        DynamicRoute(
            url=r"^{url_path}$", name="{url_name}", detail=False, initkwargs={}
        )
    ]


router = NeutralRouter(trailing_slash=False)
router.register("", AccountViewSet, basename="account")
if shape().factor is not None and get_settings().channels:
    router.register("", RecoveryViewSet, basename="recovery")

urlpatterns = router.urls
