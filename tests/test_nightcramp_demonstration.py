"""The live half of the demonstration says why, if it cannot be shown."""

import pytest

from nightcramp import demonstration_night
from nightcramp.demonstration_night import record_demo_night
from nightcramp.errors import NightcrampError


def quiet(_step, _done, _total):
    pass


def test_a_sensor_that_does_not_start_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(demonstration_night, "DEVICE", "thalmic")
    with pytest.raises(NightcrampError, match=r"did not start.*no emulated sensor 'thalmic'"):
        list(record_demo_night(tmp_path / "night", quiet))


def test_a_recorder_that_ends_too_soon_says_why(tmp_path, monkeypatch):
    recorder = demonstration_night._program

    def broken(command, *words):
        return recorder(command, *words, *(("--hours", "99") if command == "record" else ()))

    monkeypatch.setattr(demonstration_night, "_program", broken)
    with pytest.raises(NightcrampError, match=r"(?s)did not record.*--hours"):
        list(record_demo_night(tmp_path / "night", quiet))
