"""Text with a masked ``repr``.

Error trackers store the ``repr`` of each local variable of a failed request, and do
not read the marks of ``sensitive_variables``.
"""

from typing import Any

from django.http import QueryDict


class SensitiveText(str):
    """A text like any other, but its ``repr`` shows no value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'********'"


def sensitive(value: str | None) -> str | None:
    """Return a recovery value with a masked ``repr``."""
    return None if value is None else SensitiveText(value)


def mask_body(data: Any) -> Any:
    """Return a copy of a body whose texts are sensitive; nested ones are not."""
    if isinstance(data, QueryDict):
        masked = QueryDict(mutable=True)
        for name, values in data.lists():
            masked.setlist(name, [_mask(value) for value in values])
        return masked
    if isinstance(data, dict):
        return {name: _mask(value) for name, value in data.items()}
    return data


def _mask(value: Any) -> Any:
    return SensitiveText(value) if isinstance(value, str) else value
