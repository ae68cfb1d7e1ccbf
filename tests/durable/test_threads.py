"""The default dispatcher under a provider that hangs."""

import pytest

from tests.durable.conftest import environment, register
from tests.support import parts
from tests.support.providers import answering
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

#: Two processes of the server with the dispatcher's four threads each.
BOUND = 2 * 4


@pytest.mark.parametrize("server", ["gunicorn-sync", "gunicorn-threads"])
def test_a_hanging_provider_changes_no_answer_and_takes_no_more_threads(
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
        answering(provider),
        parts.serve(server, env=env, log=tmp_path / "log") as url,
    ):
        # Each is answered as always, though none of their messages has left.
        expected = register(url, range(30))
        taken_meanwhile = list(provider.taken)
        eventually(lambda: provider.hanging == BOUND)
        provider.release.set()
        eventually(lambda: provider.recipients() == expected)

    assert taken_meanwhile == []
    assert provider.most_at_once == BOUND
    assert set(provider.copies().values()) == {1}
