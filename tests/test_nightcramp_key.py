"""``nightcramp key``: what a bedside machine writes only the site can read."""

import pytest

from firmware_bridge import HostClock
from nightcramp.errors import RecordingError
from recordings.journal import (
    JournalLabel,
    JournalRecord,
    JournalSettings,
    JournalWriter,
    RecordKind,
    open_journal,
)


@pytest.fixture
def keys(run, tmp_path):
    """Paths of a new pair: private, public."""
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    code, out, _ = run("key", "new", private, public)
    assert code == 0
    assert "keep a copy" in out
    return private, public


def test_a_journal_closed_with_the_public_key_opens_with_the_private_one(keys, tmp_path):
    private, public = keys
    folder = tmp_path / "night.ncj"
    said = JournalRecord(RecordKind.NOTE, 1, 2, None, b'{"text": "secret"}')
    settings = JournalSettings(site_key=public, reserve_bytes=0)
    label = JournalLabel("myo", "test", {})
    with JournalWriter(folder, label, clock=HostClock(), settings=settings) as writer:
        writer.append(said)
    assert said in list(open_journal(folder, key=private).records())
    with pytest.raises(RecordingError, match="encrypted"):
        list(open_journal(folder).records())
    assert b"secret" not in b"".join(file.read_bytes() for file in folder.iterdir())


def test_a_private_key_is_for_its_owner_only(keys):
    private, _ = keys
    assert private.stat().st_mode & 0o077 == 0


def test_a_key_is_never_overwritten(run, keys):
    private, public = keys
    before = private.read_bytes()
    code, _, err = run("key", "new", private, public)
    assert code == 2
    assert "never overwritten" in err
    assert private.read_bytes() == before
