"""The policy of every endpoint."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from rest_framework import status
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import JSONParser
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from crudauth_django.api.errors import TooLarge, exception_handler
from crudauth_django.client import client_of
from crudauth_django.conf.settings import get_settings
from crudauth_django.counters import counter_key, get_counters
from crudauth_django.exceptions import InvalidCredentials, Throttled
from crudauth_django.security.devices import remember_device


class BoundedJSONParser(JSONParser):
    """JSON, nested at most as deeply as Python can read."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse(*args, **kwargs)
        except RecursionError as error:
            raise ParseError(_("The request is nested too deeply.")) from error


@method_decorator(transaction.non_atomic_requests, name="dispatch")
@method_decorator(never_cache, name="dispatch")
@method_decorator(sensitive_post_parameters(), name="dispatch")
class CrudauthViewSet(GenericViewSet[Any]):
    """A view set that ignores the project's ``REST_FRAMEWORK`` settings.

    Requests are not atomic: an error response must not roll back the count of a
    failure. Every action accepts the arguments of the URL and ignores them.
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
    #: The action's key in ``CRUDAUTH_THROTTLES``; ``None`` if it is not limited.
    throttle_name: str | None = None
    #: Whether the throttle counts by user instead of by network.
    throttle_by_user = False

    def initialize_request(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> Request:
        # JSON is UTF-8 (RFC 8259, 8.1). DRF would look the client's charset up
        # among Python's codecs, such as "hex" and "zlib".
        request.encoding = "utf-8"
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Before any parser reads the body: not every version of DRF's parsers obeys
        # Django's limit. Django reads no body without a length.
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        length = str(request.META.get("CONTENT_LENGTH") or "0")
        if limit is not None and length.isdecimal() and int(length[:20]) > limit:
            raise TooLarge
        super().initial(request, *args, **kwargs)

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return exception_handler

    def perform(self) -> Any:
        """Validate the body, count the request, and call the serializer's flow.

        A request that is refused for its form does not count with the others.
        """
        serializer = self.get_serializer(data=self.request.data)
        if not serializer.is_valid():
            # A taken value is no matter of form: such responses show other accounts.
            errors: Any = serializer.errors
            self.count_request(refused="unique" not in _codes(errors))
            raise ValidationError(errors)
        counters = self.count_request()
        try:
            return serializer.save()
        except DjangoValidationError as error:
            # Taken back only now, so that no parallel request gets past the limit. A
            # wrong password is no matter of form.
            if not isinstance(error.__cause__, InvalidCredentials):
                get_counters().clear(decrement=counters)
                self.count_request(refused=True)
            raise

    def count_request(self, *, refused: bool = False) -> list[str]:
        """Count the request, and return its counters; raises ``Throttled``.

        Refused requests have counters of their own, with ten times the limit: a
        project's own validation may compare a secret, such as an invitation.
        """
        if self.throttle_name is None:
            return []
        client = client_of(self.request._request).network
        if self.throttle_by_user:
            client = f"user {self.request.user.pk}"
        scope, factor = ("refused", 10) if refused else ("throttle", 1)
        rates = {
            counter_key(scope, self.throttle_name, client, str(rate.period)): rate
            for rate in get_settings().throttles[self.throttle_name]
        }
        periods = {key: rate.period for key, rate in rates.items()}
        counts = get_counters().increment_many(periods)
        over = [key for key in rates if counts[key] > rates[key].count * factor]
        if over:
            # A refused request does not use up the longer rates.
            get_counters().clear(decrement=rates.keys() - over)
            raise Throttled(retry_after=rates[over[0]].period)
        return list(rates)

    def detail_response(self, detail: str, code: int = status.HTTP_200_OK) -> Response:
        """Return a response of one sentence."""
        return Response({"detail": detail}, status=code)

    def remember_device(self, response: Response, user: Any) -> Response:
        """Add the cookie of a known device to a response."""
        remember_device(response, user)
        return response


def _codes(errors: Any) -> set[str]:
    """Return the codes of a serializer's errors, at any depth."""
    if isinstance(errors, str):
        return {getattr(errors, "code", "")}
    inner = errors.values() if isinstance(errors, dict) else errors
    return set().union(*map(_codes, inner))
