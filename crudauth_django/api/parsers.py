"""Reading a body without being hurt by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework import parsers, status
from rest_framework.exceptions import APIException, ParseError


class TooLarge(APIException):
    """413: longer than ``DATA_UPLOAD_MAX_MEMORY_SIZE``."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"

    def __init__(self) -> None:
        super().__init__(_("The request is too large."))


def refuse_large(meta: Mapping[str, Any]) -> None:
    """Raise ``TooLarge`` before a byte is read, whatever would parse the body.

    Not every version of DRF's parsers keeps to Django's bound. Without a
    length, Django reads nothing.
    """
    longest = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    length = str(meta.get("CONTENT_LENGTH") or "0")
    if longest is not None and length.isdecimal() and int(length[:20]) > longest:
        raise TooLarge


class BoundedJSONParser(parsers.JSONParser):
    """JSON, nested as deep as Python reads."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the data; raises ``ParseError``."""
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError(_("The request is nested too deep.")) from error
