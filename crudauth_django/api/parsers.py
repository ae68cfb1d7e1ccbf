"""Parse request bodies within limits."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework import parsers, status
from rest_framework.exceptions import APIException, ParseError


class TooLarge(APIException):
    """413: the body is longer than ``DATA_UPLOAD_MAX_MEMORY_SIZE``."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = _("The request is too large.")
    default_code = "too_large"


def refuse_large(meta: Mapping[str, Any]) -> None:
    """Raise ``TooLarge`` before any parser reads the body.

    Not every version of DRF's parsers obeys Django's limit. Django reads no body
    without a length.
    """
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    length = str(meta.get("CONTENT_LENGTH") or "0")
    if limit is not None and length.isdecimal() and int(length[:20]) > limit:
        raise TooLarge


class BoundedJSONParser(parsers.JSONParser):
    """JSON, nested at most as deeply as Python can read."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError(_("The request is nested too deeply.")) from error
