"""Messages to word, templates to override, and pages to look into."""

from datetime import timedelta
from html.parser import HTMLParser

from crudauth_django.channels.base import DeliveryIntent
from crudauth_django.kinds import TOKEN_KINDS

LANGUAGES = ("en", "es", "fr", "de", "pt", "pt-br", "hi", "ar", "zh-hans")
TEST_MESSAGE = "test_message"
#: As long as with a UUID for a primary key.
TOKEN = "AWq" + "x" * 47
PATHS = dict(zip(TOKEN_KINDS, ("verify", "reset", "change"), strict=True))


def intent(kind, **changes):
    has_token = kind in TOKEN_KINDS
    values = {
        "token": TOKEN if has_token else None,
        "recipient": "+15551234567",
        "account": "trinity-of-the-nebuc",
        "expires_in": timedelta(hours=24) if has_token else None,
        "link": f"https://app.example.com/{PATHS[kind]}?token={TOKEN}"
        if has_token
        else "",
    }
    return DeliveryIntent(id="0" * 32, kind=kind, **{**values, **changes})


def write_template(settings, folder, name, source):
    """Let the project override one of the templates."""
    path = folder / "crudauth" / name
    path.parent.mkdir(parents=True)
    path.write_text(source)
    (engine,) = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "DIRS": [folder]}]


class Document(HTMLParser):
    """Collects what a test asks about a page."""

    def __init__(self, source):
        super().__init__()
        self.tags = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def attributes_of(self, wanted):
        return [attributes for tag, attributes in self.tags if tag == wanted]
