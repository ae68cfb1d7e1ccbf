"""The policy of every endpoint."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from rest_framework import status
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from crudauth_django.api.errors import TooLarge, exception_handler
from crudauth_django.client import client_of
from crudauth_django.conf.settings import get_settings
from crudauth_django.counters import get_counters
from crudauth_django.counters.base import counter_key
from crudauth_django.exceptions import Throttled
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

    def check_throttles(self, request: Request) -> None:
        if self.throttle_name is None:
            return
        client = client_of(request._request).network
        if self.throttle_by_user:
            client = f"user {request.user.pk}"
        for rate in get_settings().throttles[self.throttle_name]:
            key = counter_key("throttle", self.throttle_name, client, str(rate.period))
            if get_counters().increment(key, period=rate.period) > rate.count:
                raise Throttled(retry_after=rate.period)

    def perform(self) -> Any:
        """Validate the body and call the flow of the action's serializer."""
        serializer = self.get_serializer(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return serializer.save()

    def detail_response(self, detail: str, code: int = status.HTTP_200_OK) -> Response:
        """Return a response of one sentence."""
        return Response({"detail": detail}, status=code)

    def remember_device(self, response: Response, user: Any) -> Response:
        """Add the cookie of a known device to a response."""
        remember_device(response, user)
        return response
