"""Log the cause of an outage; the refused request shows none."""

import logging
import re
import time
from collections.abc import Iterator
from traceback import format_tb

logger = logging.getLogger(__name__)

#: Seconds in which one cause is logged once.
SILENCE = 60
#: MySQL's drivers quote values of the statement.
_QUOTED = re.compile(r"(?<!\w)'[^']*'")
#: When each cause was last logged.
_logged: dict[tuple[object, ...], float] = {}


def report_outage(error: BaseException) -> None:
    """Log an outage with its traceback, once a minute for each cause.

    The traceback is text: an error tracker that reads the frames of an exception
    would store passwords and recovery values. A cause is a type of error, raised
    at one place.
    """
    *_, root = _chain(error)
    frame = root.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = (frame.tb_frame.f_code, frame.tb_lineno) if frame else ()
    cause, now = (type(root), *place), time.time()
    if now - _logged.get(cause, 0) < SILENCE:
        return
    _logged[cause] = now
    tracebacks = [
        f"{''.join(format_tb(each.__traceback__))}{describe(each)}"
        for each in reversed(list(_chain(error)))
    ]
    logger.error(
        "The database or the counter store failed; logged once a minute:\n%s",
        "\n".join(tracebacks),
    )


def describe_cause(error: BaseException) -> str:
    """Return the type and the text of an outage's first cause."""
    *_, root = _chain(error)
    return describe(root)


def describe(error: BaseException) -> str:
    """Return the type and the text of an error, without values of a statement."""
    return f"{type(error).__qualname__}: {_QUOTED.sub('…', str(error))}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
