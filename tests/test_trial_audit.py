"""An audit log is only appended to: whatever else happens to it is found, and named by its line."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightcramp.errors import InputError, OutputError, UsageError
from trial.audit import (
    AuditAction,
    AuditBrokenError,
    append_audit,
    audit_head,
    read_audit,
    verify_audit,
)
from trial.audit.verification import examine, is_whole

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner),
    max_leaves=6,
)


def append(study, subject="P007/2026-03-01/episode 3", **changed):
    fields = {"who": "ann", "action": AuditAction.REJECTED, "subject": subject}
    return append_audit(study, **(fields | changed))


def log_of(study, entries=6):
    """Return the content of both files of a log with some entries."""
    for number in range(entries):
        append(study, f"P00{number}/2026-03-01/episode 1", before={"status": "auto"}, reason="ä")
    return (study / "audit.jsonl").read_bytes(), (study / "audit.head").read_text()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return log_of(tmp_path_factory.mktemp("study"))


def test_a_study_without_a_log_has_no_entries_and_no_head(tmp_path):
    assert read_audit(tmp_path) == []
    assert audit_head(tmp_path) is None
    assert verify_audit(tmp_path).faults == ()


def test_what_was_appended_is_read_back_in_order(tmp_path):
    start = datetime.now(UTC)
    before = {"onset_s": 12.5, "kind": "cramp", "channels": ["a", "b"]}
    first = append(tmp_path, before=before, after=None, reason="movement, not a cramp")
    second = append(tmp_path, "P008", who="bob", action=AuditAction.COMMENTED, after="Ödem")
    assert read_audit(tmp_path) == [first, second]
    assert (first.sequence, second.sequence) == (1, 2)
    assert (first.before, first.reason) == (before, "movement, not a cramp")
    assert (second.who, second.action, second.after) == ("bob", "commented", "Ödem")
    assert start <= first.at_utc <= second.at_utc <= datetime.now(UTC)
    assert first.previous == "0" * 64
    assert second.previous == first.hash
    assert audit_head(tmp_path) == second.hash


def test_the_hash_is_the_sha256_of_the_line_up_to_it(tmp_path):
    append(tmp_path)
    line = (tmp_path / "audit.jsonl").read_text(encoding="utf-8").splitlines()[0]
    body, ending = line.split(',"hash":"')
    assert hashlib.sha256(body.encode()).hexdigest() == ending.removesuffix('"}')
    assert json.loads(line)["hash"] == audit_head(tmp_path)


@settings(max_examples=30, deadline=None)
@given(before=JSON, after=JSON)
def test_any_json_comes_back_as_it_was(tmp_path_factory, before, after):
    study = tmp_path_factory.mktemp("study")
    entry = append(study, before=before, after=after)
    assert (entry.before, entry.after) == (before, after)
    assert read_audit(study) == [entry]


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_changed_byte_is_found_on_its_line(whole, data):
    log, head = whole
    place = data.draw(st.integers(0, len(log) - 1))
    flipped = bytearray(log)
    flipped[place] ^= data.draw(st.integers(1, 255))
    found = examine(bytes(flipped), head)
    assert found.faults
    assert found.faults[0].line == log[:place].count(b"\n") + 1
    assert not is_whole(bytes(flipped), head)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_order_of_lines_but_the_true_one_is_found(whole, data):
    log, head = whole
    lines = log.splitlines(keepends=True)
    chosen = data.draw(st.lists(st.sampled_from(lines), max_size=8).filter(lambda c: c != lines))
    if chosen[:6] == lines[:6] == chosen:
        return
    changed = b"".join(chosen)
    assert examine(changed, head).faults
    assert not is_whole(changed, head)


@pytest.mark.parametrize("line", range(6))
def test_a_removed_line_is_named_where_it_was(whole, line):
    log, head = whole
    lines = log.splitlines(keepends=True)
    found = examine(b"".join(lines[:line] + lines[line + 1 :]), head)
    assert found.faults[0].line == line + 1


@pytest.mark.parametrize("line", range(6))
def test_a_repeated_line_is_named(whole, line):
    log, head = whole
    lines = log.splitlines(keepends=True)
    found = examine(b"".join([*lines[: line + 1], *lines[line:]]), head)
    assert found.faults[0].line == line + 2


def test_a_log_cut_anywhere_is_found(whole):
    log, head = whole
    for end in range(len(log)):
        assert examine(log[:end], head).faults, end
        assert not is_whole(log[:end], head), end


def test_a_forged_entry_with_right_hashes_and_a_wrong_number_is_found(whole):
    log, _ = whole
    last = json.loads(log.splitlines()[-1])
    body = b'{"previous":"%s","sequence":9,"at_utc":"x"' % last["hash"].encode()
    digest = hashlib.sha256(body).hexdigest()
    line = body + b',"hash":"%s"}\n' % digest.encode()
    found = examine(log + line, f"7 {digest}\n")
    assert [fault.line for fault in found.faults] == [7]


def test_a_head_that_is_missing_damaged_or_another_is_found(whole):
    log, head = whole
    number, digest = head.split()
    for other in (None, "", "nonsense", head + "\n", f"{number} {'0' * 64}\n", f"5 {digest}\n"):
        assert examine(log, other).faults, other
        assert not is_whole(log, other)


def test_both_files_put_back_to_an_earlier_state_need_the_head_kept_elsewhere(tmp_path):
    log_of(tmp_path, entries=3)
    early = tmp_path / "early"
    early.mkdir()
    for name in ("audit.jsonl", "audit.head"):
        shutil.copy(tmp_path / name, early / name)
    printed = append(tmp_path).hash
    assert verify_audit(early).faults == ()
    assert verify_audit(early, head=printed).faults
    append(tmp_path)
    assert verify_audit(tmp_path, head=printed).faults == ()
    assert verify_audit(tmp_path, head=printed[:12]).faults == ()
    with pytest.raises(UsageError, match="12 to 64"):
        verify_audit(tmp_path, head="abc")


def test_a_broken_log_refuses_to_be_appended_to_and_to_be_read(tmp_path):
    log, _ = log_of(tmp_path)
    (tmp_path / "audit.jsonl").write_bytes(log.replace(b"P002", b"P009"))
    for act in (lambda: append(tmp_path), lambda: read_audit(tmp_path)):
        with pytest.raises(AuditBrokenError, match=r"line 3: was changed.*both audit.jsonl"):
            act()
    assert (tmp_path / "audit.jsonl").read_bytes() == log.replace(b"P002", b"P009")


def test_a_log_that_is_gone_is_not_begun_anew(tmp_path):
    log_of(tmp_path)
    (tmp_path / "audit.jsonl").unlink()
    with pytest.raises(AuditBrokenError, match=r"audit\.head names entry 6"):
        append(tmp_path)
    with pytest.raises(AuditBrokenError, match=r"audit\.head names entry 6"):
        audit_head(tmp_path)


@pytest.mark.parametrize("written", [0, 1, 40, "all but the end of line", "line"])
def test_an_append_that_was_interrupted_is_no_fault_and_is_put_right(tmp_path, written):
    log_of(tmp_path, entries=2)
    before = (tmp_path / "audit.jsonl").read_bytes(), (tmp_path / "audit.head").read_bytes()
    append(tmp_path, "the third")
    line = (tmp_path / "audit.jsonl").read_bytes()[len(before[0]) :]
    ends = {"all but the end of line": len(line) - 1, "line": len(line)}
    kept = line[: ends.get(written, written)]
    (tmp_path / "audit.jsonl").write_bytes(before[0] + kept)
    (tmp_path / "audit.head").write_bytes(before[1])
    found = verify_audit(tmp_path)
    assert found.faults == ()
    assert found.unfinished is bool(kept)
    append(tmp_path, "the next")
    subjects = [entry.subject for entry in read_audit(tmp_path)]
    assert subjects[2:] == (["the third", "the next"] if written == "line" else ["the next"])
    assert not verify_audit(tmp_path).unfinished


def test_the_remains_of_a_long_entry_do_not_outlive_a_short_one(tmp_path):
    log_of(tmp_path, entries=2)
    with (tmp_path / "audit.jsonl").open("ab") as file:
        file.write(b'{"previous":"' + b"0" * 5000)
    append(tmp_path, "short")
    assert [entry.subject for entry in read_audit(tmp_path)][2:] == ["short"]
    assert verify_audit(tmp_path).unfinished is False


def test_the_first_entry_may_be_interrupted_too(tmp_path):
    append(tmp_path)
    (tmp_path / "audit.head").unlink()
    assert verify_audit(tmp_path).unfinished
    append(tmp_path)
    assert verify_audit(tmp_path).entries == 2


def test_writers_at_the_same_time_make_one_chain(tmp_path):
    def work(who):
        for _ in range(10):
            append(tmp_path, who=who)

    threads = [threading.Thread(target=work, args=(f"writer {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = read_audit(tmp_path)
    assert [entry.sequence for entry in entries] == list(range(1, 41))
    assert verify_audit(tmp_path).faults == ()


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"who": " "}, "say who"),
        ({"subject": ""}, "what this is done to"),
        ({"action": AuditAction.UNBLINDED, "reason": "  "}, "why the blind is opened"),
        ({"who": "an\nn"}, "printable"),
        ({"after": float("nan")}, "cannot be written"),
        ({"after": {1: 2, "a": 3}}, "cannot be written"),
        ({"reason": "\ud800"}, "cannot be written"),
    ],
)
def test_an_entry_that_says_too_little_or_what_cannot_be_written_is_refused(
    tmp_path, changed, problem
):
    with pytest.raises(UsageError, match=problem):
        append(tmp_path, **changed)
    assert read_audit(tmp_path) == []


def test_a_folder_that_is_missing_is_said(tmp_path):
    with pytest.raises(OutputError, match="local disk"):
        append(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no such folder"):
        verify_audit(tmp_path / "nowhere")


def test_the_command_names_the_line_at_fault_and_ends_with_one(run, tmp_path):
    log, _ = log_of(tmp_path)
    code, out, _ = run("audit", "verify", tmp_path)
    assert (code, out) == (0, f"6 entries, all as written; head {audit_head(tmp_path)}\n")
    (tmp_path / "audit.jsonl").write_bytes(b"".join(log.splitlines(keepends=True)[:4]))
    code, out, _ = run("audit", "verify", tmp_path)
    assert code == 1
    assert "line 5: the log ends here, and audit.head names entry 6" in out
    code, out, _ = run("audit", "verify", tmp_path, "--json")
    assert (code, json.loads(out)["faults"][0]["line"]) == (1, 5)
    code, _, err = run("audit", "list", tmp_path)
    assert code == 2
    assert "it was cut" in err


def test_the_command_lists_what_was_done(run, tmp_path):
    append(tmp_path, before={"status": "auto"}, after={"status": "rejected"}, reason="movement")
    code, out, _ = run("audit", "list", tmp_path)
    assert code == 0
    assert out.startswith("1\t20")
    assert 'ann\trejected\tP007/2026-03-01/episode 3\tbefore {"status": "auto"}' in out
    code, out, _ = run("audit", "list", tmp_path, "--json")
    assert json.loads(out)[0]["after"] == {"status": "rejected"}
    code, _, err = run("audit", "verify", tmp_path, "--head", "abc")
    assert (code, "12 to 64" in err) == (2, True)
