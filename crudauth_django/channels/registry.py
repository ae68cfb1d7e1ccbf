"""The channels of ``CRUDAUTH_CHANNELS``, by label."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from crudauth_django.channels.base import DeliveryChannel
from crudauth_django.conf.settings import PREFIX, cached_setting, get_settings


@cached_setting(PREFIX)
def get_channels() -> Mapping[str, DeliveryChannel]:
    """Return the channels by label, in the order of the setting.

    A label is the dotted path. A repeated path gets ``#2``, ``#3`` and so on.
    Raises ``ImportError`` or the error of a channel's constructor; ``manage.py
    check`` reports both earlier.
    """
    backends = get_settings().channels
    names = labels(backend.path for backend in backends)
    return dict(zip(names, [backend.build() for backend in backends], strict=True))


def labels(names: Iterable[str]) -> Iterator[str]:
    """Make names unique: the second of its kind gets ``#2``, and so on."""
    times = Counter[str]()
    for name in names:
        times[name] += 1
        yield f"{name}#{times[name]}" if times[name] > 1 else name
