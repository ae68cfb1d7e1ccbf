"""The checks of the counter store."""

from __future__ import annotations

import pytest

from crudauth_django.checks.backends import check_counters
from tests.support.checks import ids

OWN = f"{__name__}."
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "file": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache"},
    "redis": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://127.0.0.1:1",
    },
    "gone": {"BACKEND": "no.such.Cache"},
}


class NoCounterStore:
    pass


def in_cache(alias: str) -> dict[str, object]:
    return {
        "BACKEND": "crudauth_django.counters.CacheCounters",
        "OPTIONS": {"alias": alias},
    }


@pytest.mark.parametrize(
    ("counters", "expected"),
    [
        ("crudauth_django.counters.DatabaseCounters", []),
        (in_cache("redis"), []),
        (5, []),
        ("no.such.Store", ["E027"]),
        (
            {
                "BACKEND": "crudauth_django.counters.CacheCounters",
                "OPTIONS": {"cache": "x"},
            },
            ["E027"],
        ),
        (OWN + "NoCounterStore", ["E028"]),
        (in_cache("none"), ["E029"]),
        (in_cache("gone"), ["E029"]),
        (in_cache("file"), ["E030"]),
        (in_cache("default"), ["W011"]),
    ],
)
def test_broken_counters_are_reported(settings, tmp_path, counters, expected):
    settings.CACHES = CACHES | {"file": CACHES["file"] | {"LOCATION": tmp_path}}
    settings.CRUDAUTH_COUNTERS = counters

    assert ids(check_counters) == expected
