"""The checks of the channels."""

from __future__ import annotations

import pytest

from crudauth_django.channels.base import DeliveryChannel
from crudauth_django.checks.channels import (
    check_channels,
    check_channels_for_production,
)
from tests.support.checks import LOCMEM, fallback_on, ids
from tests.support.temporary import declared

OWN = f"{__name__}."


class NeedsOptions(DeliveryChannel):
    def __init__(self, *, sender: str) -> None:
        super().__init__()

    def deliver(self, intent) -> None: ...


class Mail(DeliveryChannel):
    factors = ("email",)

    def deliver(self, intent) -> None: ...


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        ([LOCMEM], []),
        ([{"BACKEND": OWN + "NeedsOptions", "OPTIONS": {"sender": "x"}}], []),
        ([LOCMEM, OWN + "Mail"], []),
        ([], ["W002"]),
        ("malformed", []),
        (["no.such.Channel"], ["E010"]),
        (["datetime.timedelta"], ["E011"]),
        ([OWN + "folder_channel"], ["E011"]),
        ([OWN + "NeedsOptions"], ["E012"]),
        ([OWN + "Mail"], ["E013"]),
        ([OWN + "Mail", "no.such.Channel"], ["E010"]),
    ],
)
def test_broken_channel_is_an_error(settings, channels, expected):
    settings.CRUDAUTH_CHANNELS = channels

    assert ids(check_channels) == expected


def test_channels_without_recovery_factor_are_w003():
    with declared(RECOVERY_FACTOR=None):
        assert ids(check_channels) == ["W003"]


def test_no_channels_without_recovery_factor_pass(settings):
    settings.CRUDAUTH_CHANNELS = []
    with declared(RECOVERY_FACTOR=None):
        assert ids(check_channels) == []


def folder_channel(tmp_path) -> dict[str, object]:
    path = "crudauth_django.channels.file.FileChannel"
    return {"BACKEND": path, "OPTIONS": {"folder": tmp_path}}


def test_channel_for_development_is_w007_in_production(settings, tmp_path):
    console = "crudauth_django.channels.console.ConsoleChannel"
    file = folder_channel(tmp_path)

    found = {}
    for name, channels in {
        "people": [OWN + "Mail"],
        "console": [console],
        "file": [file],
        "memory": [LOCMEM, LOCMEM],
        "inside": [OWN + "Mail", fallback_on(OWN + "Mail", fallback_on(console))],
        "two": [console, fallback_on(file, OWN + "Mail")],
        "not constructed": [console, OWN + "NeedsOptions"],
        "malformed": "malformed",
    }.items():
        settings.CRUDAUTH_CHANNELS = channels
        found[name] = ids(check_channels_for_production)

    assert found == {
        "people": [],
        "console": ["W007"],
        "file": ["W007"],
        "memory": ["W007"],
        "inside": ["W007"],
        "two": ["W007", "W007"],
        "not constructed": [],
        "malformed": [],
    }
