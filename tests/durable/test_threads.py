"""The default dispatcher, with a provider that hangs."""

import pytest

from tests.durable.conftest import environment, register
from tests.support import parts
from tests.support.providers import serving
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

#: The server has two processes, and each has the dispatcher's four threads.
BOUND = 2 * 4


@pytest.mark.parametrize("server", ["gunicorn-sync", "gunicorn-threads"])
def test_hanging_provider_delays_no_response_and_adds_no_thread(
    server, database, provider, tmp_path
):
    env = environment(
        database=database,
        provider=provider,
        settings={"CRUDAUTH_DISPATCHER": "crudauth_django.dispatch.ThreadDispatcher"},
        timeout=60,
    )
    provider.seconds = 60
    with (
        serving(provider),
        parts.serve(server, env=env, log=tmp_path / "log") as url,
    ):
        # Each gets the usual response, although no message has been delivered.
        expected = register(url, range(30))
        accepted_meanwhile = list(provider.accepted)
        # On a busy machine, one process of the server may get most requests.
        for number in range(30, 90):
            if provider.hanging == BOUND:
                break
            expected |= register(url, [number])
        eventually(lambda: provider.hanging == BOUND)
        provider.release.set()
        eventually(lambda: provider.recipients() == expected)

    assert accepted_meanwhile == []
    assert provider.most_at_once == BOUND
    assert set(provider.copies().values()) == {1}
