"""The endpoints: HTTP in, one flow, HTTP out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.debug import sensitive_post_parameters
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from crudauth_django.api import serializers
from crudauth_django.api.authentication import SessionAuthentication, refuse_cross_site
from crudauth_django.api.errors import exception_handler
from crudauth_django.api.parsers import BoundedJSONParser, refuse_large
from crudauth_django.api.throttling import throttle
from crudauth_django.client import client_of
from crudauth_django.flows import sessions
from crudauth_django.users import user_shape

SIGNED_IN: dict[str, Any] = {
    "authentication_classes": [SessionAuthentication],
    "permission_classes": [IsAuthenticated],
}


@method_decorator(transaction.non_atomic_requests, name="dispatch")
@method_decorator(never_cache, name="dispatch")
@method_decorator(sensitive_post_parameters(), name="dispatch")
class CrudauthViewSet(GenericViewSet[Any]):
    """The policy of every endpoint, whatever the project sets for its own.

    Not atomic: a failure that is counted must stay counted when the answer is
    an error.
    """

    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (BoundedJSONParser,)
    renderer_classes = (JSONRenderer,)
    throttle_classes = ()
    versioning_class = None
    metadata_class = None
    filter_backends = ()
    pagination_class = None
    #: The name of the throttle of an action, if it has one.
    throttle_name: str | None = None
    #: Whether it counts per user; otherwise, per network.
    throttle_by_user = False

    def initialize_request(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> Request:
        # JSON is UTF-8 (RFC 8259, 8.1). A charset that a client names would be
        # looked up among Python's codecs, where "hex" and "zlib" stand, too.
        request.encoding = "utf-8"
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        refuse_large(request.META)
        super().initial(request, *args, **kwargs)

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return exception_handler

    def check_throttles(self, request: Request) -> None:
        if self.throttle_name is None:
            return
        user = request.user
        whom = (
            f"user {user.pk}"
            if self.throttle_by_user
            else client_of(request._request).network
        )
        throttle(self.throttle_name, whom)

    def run(self) -> Any:
        """Read the body and call the flow of the action's serializer."""
        serializer = self.get_serializer(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return serializer.save()

    def say(self, detail: str, code: int = status.HTTP_200_OK) -> Response:
        """Answer with one sentence."""
        return Response({"detail": detail}, status=code)


class AccountViewSet(CrudauthViewSet):
    """Register, log in, log out, who am I, change the password."""

    @action(detail=False, methods=["post"], throttle_name="register")
    def register(self, request: Request) -> Response:
        """Create an account; the answer does not tell whether its factor was free."""
        user = self.run()
        if user_shape().factor is None:
            return Response(
                serializers.account_data(user), status=status.HTTP_201_CREATED
            )
        return self.say(
            _("Welcome. A message is on its way to confirm that it is you."),
            status.HTTP_202_ACCEPTED,
        )

    @method_decorator(ensure_csrf_cookie)
    @action(
        detail=False,
        methods=["post"],
        serializer_class=serializers.LoginSerializer,
        parser_classes=[BoundedJSONParser, FormParser, MultiPartParser],
    )
    def login(self, request: Request) -> Response:
        """Open a session."""
        refuse_cross_site(request._request)
        user = self.run()
        return Response(
            {
                "id": user.pk,
                "username": user.display_name,
                "csrf_token": get_token(request._request),
            }
        )

    @action(detail=False, methods=["post"], **SIGNED_IN)
    def logout(self, request: Request) -> Response:
        """End the session, on the server."""
        sessions.log_out(request=request._request)
        return self.say(_("Logged out."))

    @action(detail=False, methods=["get"], **SIGNED_IN)
    def me(self, request: Request) -> Response:
        """Tell an account about itself."""
        return Response(serializers.account_data(request.user))

    @action(
        detail=False,
        methods=["post"],
        url_path="change-password",
        url_name="change-password",
        serializer_class=serializers.ChangePasswordSerializer,
        throttle_name="change_password",
        throttle_by_user=True,
        **SIGNED_IN,
    )
    def change_password(self, request: Request) -> Response:
        """Replace the password; every other session ends."""
        self.run()
        return self.say(_("Password changed."))

    def get_serializer_class(self) -> Any:
        return self.serializer_class or serializers.register_serializer()


class RecoveryViewSet(CrudauthViewSet):
    """Verify, reset, change: each a request and a confirmation."""

    @action(
        detail=False,
        methods=["post"],
        url_path="email/verify-request",
        url_name="verify-request",
        serializer_class=serializers.VerifyRequestSerializer,
        throttle_name="verify_request",
    )
    def verify_request(self, request: Request) -> Response:
        """Have a verification sent, if there is somebody to verify."""
        self.run()
        return self.say(_("If an account waits for it, a message is on its way."))

    @action(
        detail=False,
        methods=["post"],
        url_path="email/verify-confirm",
        url_name="verify-confirm",
        serializer_class=serializers.VerifyConfirmSerializer,
    )
    def verify_confirm(self, request: Request) -> Response:
        """Spend a verification token."""
        self.run()
        return self.say(_("Verified."))

    @action(
        detail=False,
        methods=["post"],
        url_path="password/reset-request",
        url_name="reset-request",
        serializer_class=serializers.ResetRequestSerializer,
        throttle_name="reset_request",
    )
    def reset_request(self, request: Request) -> Response:
        """Have a reset sent, if there is an account to recover."""
        self.run()
        return self.say(_("If there is an account, a message is on its way."))

    @action(
        detail=False,
        methods=["post"],
        url_path="password/reset-confirm",
        url_name="reset-confirm",
        serializer_class=serializers.ResetConfirmSerializer,
    )
    def reset_confirm(self, request: Request) -> Response:
        """Spend a reset token, set the password and end every session."""
        self.run()
        return self.say(_("Password reset."))

    @action(
        detail=False,
        methods=["post"],
        url_path="email/change-request",
        url_name="change-request",
        serializer_class=serializers.ChangeRequestSerializer,
        throttle_name="change_request",
        **SIGNED_IN,
    )
    def change_request(self, request: Request) -> Response:
        """Claim another recovery value, and have a confirmation sent to it."""
        self.run()
        return self.say(_("A message is on its way to confirm the change."))

    @action(
        detail=False,
        methods=["post"],
        url_path="email/change-confirm",
        url_name="change-confirm",
        serializer_class=serializers.ChangeConfirmSerializer,
    )
    def change_confirm(self, request: Request) -> Response:
        """Spend a change token; only the session that brings it goes on."""
        self.run()
        return self.say(_("Changed."))
