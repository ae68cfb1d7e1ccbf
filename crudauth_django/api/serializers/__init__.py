"""Read request bodies, call one flow, and represent accounts."""

from crudauth_django.api.serializers.accounts import (
    AccountSerializer,
    RegisterSerializer,
)

__all__ = ["AccountSerializer", "RegisterSerializer"]
