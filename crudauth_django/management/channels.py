"""The channels and their results, as a terminal shows them."""

from collections.abc import Iterator

from crudauth_django.channels.attempts import DeliveryAttempt
from crudauth_django.channels.base import DeliveryChannel, labels
from crudauth_django.channels.fallback import FallbackChannel
from crudauth_django.exceptions import DeliveryFailed, DeliveryMisconfigured


def without_fallbacks(
    label: str, channel: DeliveryChannel
) -> Iterator[tuple[str, DeliveryChannel]]:
    """Yield the label and the channel, or those of a fallback's inner channels."""
    if not isinstance(channel, FallbackChannel):
        yield label, channel
        return
    names = labels(type(inner).__qualname__ for inner in channel.channels)
    for name, inner in zip(names, channel.channels, strict=True):
        yield from without_fallbacks(f"{label} > {name}", inner)


def describe(attempt: DeliveryAttempt) -> str:
    """Return the result, with the provider's id or its error."""
    error, provider_id = attempt.error, attempt.provider_id
    seconds = f"after {attempt.seconds:.2f} s"
    if error is None:
        shown = f", the provider's id is {provider_id}" if provider_id else ""
        return f"accepted {seconds}{shown}"
    result = "failed temporarily" if isinstance(error, DeliveryFailed) else "rejected"
    if isinstance(error, DeliveryMisconfigured):
        result = "misconfigured"
    code = f", code {error.code}" if error.code else ""
    text = f": {error}" if str(error) else ""
    wait = error.retry_after
    asked = f" (asked to wait {wait} s)" if wait is not None else ""
    setting = getattr(error, "setting", "")
    advice = f". Check the setting {setting}." if setting else ""
    return f"{result} {seconds}{code}{text}{asked}{advice}"
