"""What programs for messages turn into something to tap: a conservative guess."""

from __future__ import annotations

import re

from phonenumbers import Leniency, PhoneNumberMatcher

#: A scheme before a word, a slash, "@" or "+"; a host name in any script, as in
#: Android's ``Patterns.AUTOLINK_WEB_URL`` without its list of domains; an IPv4
#: address; a mention of Telegram or Slack. Apple's data detectors find no more.
_LINKS = re.compile(
    r"[a-z][a-z0-9+-]*:[\w/@+]"
    r"|\w[\w-]*[.\u2024\u3002\ufe52\uff0e\uff61][^\W\d_]{2,}"
    r"|\d+\.\d+\.\d+\.\d+"
    r"|(?<!\w)@\w",
    re.IGNORECASE,
)
_SEVEN_DIGITS = re.compile(r"(?:\d[\s().+/_-]*){7}")
#: Whose numbers are tried without a country code, as Android's ``Linkify`` does.
_REGIONS = ("US", "DE", "IN")


def links_in(text: str) -> list[str]:
    """Return the parts of a text to tap: links, addresses, mentions and numbers."""
    found = [match[0] for match in _LINKS.finditer(text)]
    found += [match[0] for match in _SEVEN_DIGITS.finditer(text)]
    for region in _REGIONS:
        for match in PhoneNumberMatcher(text, region, leniency=Leniency.POSSIBLE):
            if sum(map(str.isdigit, match.raw_string)) >= 7:
                found.append(match.raw_string)
    return found
