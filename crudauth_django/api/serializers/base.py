"""The base of the serializers that read bodies, and the names of flows' errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from crudauth_django.client import Client, client_of
from crudauth_django.exceptions import InvalidCredentials
from crudauth_django.identity.sensitive import mask_body


class RequestSerializer(serializers.Serializer[Any]):
    """Read a body; ``save`` calls the flow.

    Undeclared fields are dropped. Validation redeems no token.
    """

    def __repr__(self) -> str:
        # DRF's shows the body, and error reports have it in many frames.
        return f"<{type(self).__name__}>"

    @property
    def http_request(self) -> Any:
        """Django's request, without DRF's wrapper."""
        return self.context["request"]._request

    @property
    def client(self) -> Client:
        """The client that sent the body."""
        return client_of(self.http_request)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        # The name is bound anew: this frame, too, is in error reports.
        data = mask_body(data)
        return super().run_validation(data)


@contextmanager
def errors_under(field: str, *, credentials: str = "password") -> Iterator[None]:
    """Report a flow's ``ValidationError`` under a field of the body.

    Errors that the flow reports by model field stay there. A wrong password of a
    signed-in client is a 400 under ``credentials``: a 401 would mean that the session
    has ended.
    """
    try:
        yield
    except DjangoValidationError as error:
        if hasattr(error, "error_dict"):
            raise
        raise DjangoValidationError({field: error}) from error
    except InvalidCredentials as error:
        raise DjangoValidationError({credentials: _("Incorrect password.")}) from error
