"""``nightcramp recover`` says in words what is left of a night."""

from __future__ import annotations

import json

import pytest

from recordings.journal import (
    JournalLabel,
    JournalRecord,
    JournalSettings,
    JournalWriter,
    RecordKind,
    open_journal,
)


class StillClock:
    def monotonic_ns(self):
        return 0

    def wall_ns(self):
        return 10**18


@pytest.fixture
def journal(tmp_path):
    """A journal of ten minutes in two segments."""
    folder = tmp_path / "recordings" / "P042_left.ncj"
    settings = JournalSettings(reserve_bytes=0, segment_s=300)
    with JournalWriter(
        folder, JournalLabel("calfband", "test"), clock=StillClock(), settings=settings
    ) as writer:
        for n in range(600):
            at = n * 10**9
            writer.append(JournalRecord(RecordKind.NOTIFICATION, at, 10**18 + at, "emg", b"%d" % n))
    return folder


def cut(journal):
    segment = journal / "0002.ncj"
    data = segment.read_bytes()
    segment.write_bytes(data[: data.rfind(b"\x8aNCJ", 0, len(data) - 900) + 60])


def test_a_closed_journal_is_whole_and_left_alone(run, journal):
    code, out, err = run("recover", journal)
    assert (code, err) == (0, "")
    assert out == (
        f"{journal}: 0 h 10 min, 600 records in 2 segments; closed properly; "
        "nothing that was written is missing\n"
    )
    assert len(list(journal.iterdir())) == 2


def test_a_cut_journal_is_put_in_order_and_the_loss_is_told(run, journal):
    cut(journal)
    code, out, _ = run("recover", journal)
    assert code == 0
    assert "not closed: program or computer ended first; damaged in one place" in out
    assert "P042_left.ncj/0002.ncj: ends within a block at byte" in out
    assert "what was recorded is unchanged" in out
    assert open_journal(journal).sealed
    code, out, _ = run("recover", journal)
    assert code == 0
    assert "closed properly" in out


def test_all_journals_of_a_folder_are_told_to_machines_with_what_failed(run, journal):
    cut(journal)
    bad = journal.parent / "empty.ncj"
    bad.mkdir()
    code, out, _ = run("recover", journal.parent, "--json")
    assert code == 1
    good, failed = json.loads(out)["journals"]
    assert (good["was_sealed"], good["sealed_now"], good["error"]) == (False, True, None)
    assert [damage["kind"] for damage in good["damage"]] == ["cut_short"]
    assert failed["journal"] == str(bad)
    assert "no journal" in failed["error"]


def test_a_journal_in_use_is_examined_and_named(run, journal):
    label = JournalLabel("calfband", "test")
    with JournalWriter(journal, label, clock=StillClock()):
        code, out, err = run("recover", journal)
    assert code == 1
    assert "in use by" in err
    assert "0 h 10 min" in out


def test_what_is_no_journal_fails_in_words(run, tmp_path):
    code, _, err = run("recover", tmp_path)
    assert code == 1
    assert "no journal: there is no segment 0001.ncj or the like in it" in err
