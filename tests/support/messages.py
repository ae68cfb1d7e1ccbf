"""Messages to render, templates to override, and pages to look into."""

from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from crudauth_django.channels.base import DeliveryIntent
from crudauth_django.kinds import TOKEN_KINDS
from crudauth_django.testing import SAMPLE_TOKEN

RECIPIENT = "+15551234567"
LANGUAGES = ("en", "es", "fr", "de", "pt", "pt-br", "hi", "ar", "zh-hans")
TEST_MESSAGE = "test_message"
#: As long as with a UUID for a primary key.
TOKEN = "AWq" + "x" * 47
PATHS = dict(zip(TOKEN_KINDS, ("verify", "reset", "change"), strict=True))


def make_intent(
    kind: str = "reset_password", *, sample: str = SAMPLE_TOKEN, **changes: Any
) -> DeliveryIntent:
    """Return an intent with ``changes``; ``sample`` is the token if it has one."""
    values: dict[str, Any] = {
        "id": "0123456789abcdef0123456789abcdef",
        "token": None,
        "recipient": RECIPIENT,
        "account": "neo",
        "language": "en",
    }
    if kind in TOKEN_KINDS:
        values |= {
            "token": sample,
            "expires_in": timedelta(hours=1),
            "link": f"https://app.example.com/{PATHS[kind]}?token={sample}",
        }
    return DeliveryIntent(kind=kind, **{**values, **changes})


def longest_intent(kind: str, **changes: Any) -> DeliveryIntent:
    """Return an intent with the longest values that fit into one SMS."""
    has_token = kind in TOKEN_KINDS
    values = {
        "account": "trinity-of-the-nebuc",
        "language": "",
        "expires_in": timedelta(hours=24) if has_token else None,
    }
    return make_intent(kind, sample=TOKEN, **{**values, **changes})


def write_template(settings: Any, folder: Path, name: str, source: str) -> None:
    """Let the project override one of the templates."""
    path = folder / "crudauth" / name
    path.parent.mkdir(parents=True)
    path.write_text(source)
    (engine,) = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "DIRS": [folder]}]


class Document(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def attributes_of(self, wanted: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == wanted]
