"""The endpoints: each calls one flow."""

from functools import partial
from typing import Any

from django.middleware.csrf import get_token
from django.utils.decorators import method_decorator
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.views.decorators.csrf import ensure_csrf_cookie
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from crudauth_django.api.authentication import SessionAuthentication, refuse_cross_site
from crudauth_django.api.base import CrudauthViewSet
from crudauth_django.api.serializers import accounts, recovery
from crudauth_django.conf.settings import get_settings
from crudauth_django.flows import sessions
from crudauth_django.users import user_shape

__all__ = ["AccountViewSet", "RecoveryViewSet"]

#: An action of the whole view set, by default for POST.
endpoint = partial(action, detail=False, methods=["post"])
SIGNED_IN: dict[str, Any] = {
    "authentication_classes": [SessionAuthentication],
    "permission_classes": [IsAuthenticated],
}


class AccountViewSet(CrudauthViewSet):
    """Register, log in, log out, show the account, change the password."""

    @endpoint(throttle_name="register")
    def register(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Create an account; the response is the same for a taken recovery value."""
        user = self.perform()
        if user_shape().factor is None:
            return self.account_response(user, status.HTTP_201_CREATED)
        return self.detail_response(
            _("Welcome. We have sent a message to verify your account."),
            status.HTTP_202_ACCEPTED,
        )

    @method_decorator(ensure_csrf_cookie)
    @endpoint(
        serializer_class=accounts.LoginSerializer,
        throttle_name="login",
        parser_classes=[*CrudauthViewSet.parser_classes, FormParser, MultiPartParser],
    )
    def login(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Open a session."""
        refuse_cross_site(request._request)
        user = self.perform()
        token = get_token(request._request)
        response = Response(
            {"id": user.pk, "username": user.display_name, "csrf_token": token}
        )
        return self.remember_device(response, user)

    @endpoint(**SIGNED_IN)
    def logout(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """End the session, also on the server."""
        sessions.log_out(request=request._request)
        return self.detail_response(_("Logged out."))

    @endpoint(methods=["get"], **SIGNED_IN)
    def me(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the account to its owner."""
        return self.account_response(request.user)

    @endpoint(
        url_path="change-password",
        serializer_class=accounts.ChangePasswordSerializer,
        throttle_name="change_password",
        throttle_by_user=True,
        **SIGNED_IN,
    )
    def change_password(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Replace the password and end every other session."""
        self.perform()
        response = self.detail_response(_("Password changed."))
        # The old cookie ended with the old password.
        return self.remember_device(response, request.user)

    def get_serializer_class(self) -> Any:
        default = get_settings().register_serializer
        return self.serializer_class or import_string(default)

    def account_response(self, user: Any, code: int = status.HTTP_200_OK) -> Response:
        """Return the account by ``CRUDAUTH_ACCOUNT_SERIALIZER``."""
        serializer_class = import_string(get_settings().account_serializer)
        account = serializer_class(user, context=self.get_serializer_context())
        return Response(account.data, status=code)


class RecoveryViewSet(CrudauthViewSet):
    """Verify, reset and change: a request and a confirmation for each."""

    @endpoint(
        url_path="email/verify-request",
        serializer_class=recovery.VerifyRequestSerializer,
        throttle_name="verify_request",
    )
    def verify_request(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Send a verification if there is an account to verify."""
        self.perform()
        return self.detail_response(
            _("If there is an account to verify, we have sent a message.")
        )

    @endpoint(
        url_path="email/verify-confirm",
        serializer_class=recovery.VerifyConfirmSerializer,
    )
    def verify_confirm(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Redeem a verification token."""
        self.perform()
        return self.detail_response(_("Verified."))

    @endpoint(
        url_path="password/reset-request",
        serializer_class=recovery.ResetRequestSerializer,
        throttle_name="reset_request",
    )
    def reset_request(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Send a reset if there is an account to recover."""
        self.perform()
        return self.detail_response(
            _("If there is an account, we have sent a message.")
        )

    @endpoint(
        url_path="password/reset-confirm",
        serializer_class=recovery.ResetConfirmSerializer,
    )
    def reset_confirm(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Redeem a reset token, set the password and end every session."""
        user = self.perform()
        response = self.detail_response(_("Password reset."))
        return self.remember_device(response, user)

    @endpoint(
        url_path="email/change-request",
        serializer_class=recovery.ChangeRequestSerializer,
        throttle_name="change_request",
        **SIGNED_IN,
    )
    def change_request(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Claim another recovery value and send a confirmation to it."""
        self.perform()
        return self.detail_response(_("We have sent a message to confirm the change."))

    @endpoint(
        url_path="email/change-confirm",
        serializer_class=recovery.ChangeConfirmSerializer,
    )
    def change_confirm(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Redeem a change token and end every other session."""
        user = self.perform()
        response = self.detail_response(_("Changed."))
        if request._request.user.pk == user.pk:
            # The session goes on, so its device stays known.
            self.remember_device(response, user)
        return response
