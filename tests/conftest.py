"""What tests of several parts use."""

import sys

import pytest

from nightcramp.__main__ import main


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line in this process; returns exit code, standard output and error."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["nightcramp", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            main()
        shown = capsys.readouterr()
        return stop.value.code or 0, shown.out, shown.err

    return call
