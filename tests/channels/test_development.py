"""The channels for development and tests: console, file, memory."""

import io
import json
import stat

import pytest

from crudauth_django.channels.console import ConsoleChannel
from crudauth_django.channels.file import FileChannel
from crudauth_django.channels.locmem import LocMemChannel
from crudauth_django.exceptions import DeliveryFailed
from crudauth_django.testing import SAMPLE_TOKEN, ChannelContract
from tests.support.messages import RECIPIENT, make_intent


class TestConsoleChannel(ChannelContract):
    @pytest.fixture
    def channel(self):
        return ConsoleChannel(stream=io.StringIO())


class TestLocMemChannel(ChannelContract):
    @pytest.fixture
    def channel(self):
        return LocMemChannel()


class TestFileChannel(ChannelContract):
    @pytest.fixture
    def channel(self, tmp_path):
        return FileChannel(folder=tmp_path / "messages")

    @pytest.fixture
    def failing_channel(self, tmp_path):
        (tmp_path / "file").write_text("")
        return FileChannel(folder=tmp_path / "file" / "messages")


def test_console_shows_recipient_token_link_and_account():
    stream = io.StringIO()

    ConsoleChannel(stream=stream).deliver(make_intent())

    for shown in (RECIPIENT, SAMPLE_TOKEN, make_intent().link, "neo"):
        assert shown in stream.getvalue()


def test_message_file_is_readable_by_owner_only(tmp_path):
    folder = tmp_path / "messages"

    FileChannel(folder=folder).deliver(make_intent())

    (path,) = folder.iterdir()
    message = json.loads(path.read_text())
    assert message["token"] == SAMPLE_TOKEN
    assert message["recipient"] == RECIPIENT
    assert message["expires_in"] == 3600
    assert RECIPIENT[1:] not in path.name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_retried_message_replaces_file(tmp_path):
    channel = FileChannel(folder=tmp_path)

    channel.deliver(make_intent())
    channel.deliver(make_intent(token="anew"))
    channel.deliver(make_intent(kind="password_changed", token=None, expires_in=None))

    files = sorted(tmp_path.iterdir())
    assert [json.loads(path.read_text())["token"] for path in files] == [None, "anew"]


def test_unwritable_folder_is_temporary_failure(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(DeliveryFailed):
        FileChannel(folder=tmp_path / "file").deliver(make_intent())


def test_console_format_is_one_line_for_each_value():
    stream = io.StringIO()
    intent = make_intent(kind="k", token="t", recipient="+1", link="https://x")

    ConsoleChannel(stream=stream).deliver(intent)

    assert stream.getvalue() == "k to +1 (account neo)\n  token: t\n  link: https://x\n"
