"""Rates in settings: ``5/15m`` is five in fifteen minutes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_RATE = re.compile(r"(?P<count>[1-9]\d*)/(?P<number>[1-9]\d*)?(?P<unit>[smhd])")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """At most ``count`` in ``period`` seconds."""

    count: int
    period: int


def parse_rate(text: str) -> Rate:
    """Parse ``count/period``; raise ``ValueError`` with an example."""
    match = _RATE.fullmatch(text)
    if match is None:
        raise ValueError(f'{text!r} is not a rate such as "5/15m" or "10/d"')
    number = int(match["number"] or 1)
    return Rate(count=int(match["count"]), period=number * _SECONDS[match["unit"]])


def parse_rates(value: object) -> tuple[Rate, ...]:
    """Parse a rate, a list of rates (all apply) or ``None`` (no limit)."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (parse_rate(value),)
    if isinstance(value, Sequence) and all(isinstance(rate, str) for rate in value):
        return tuple(parse_rate(rate) for rate in value)
    raise ValueError("must be a rate, a list of rates or None")
