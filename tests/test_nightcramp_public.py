"""What stands outside: public names, start-up, the README's code, packages that are ours."""

import doctest
import importlib
import re
import subprocess
import sys
from datetime import datetime

import numpy as np
import pytest
from typer.main import get_command

import nightcramp
from nightcramp.__main__ import app
from nightcramp.errors import InputError, TableError
from recordings import Channel, RecordingInfo, Stream, write_edf

PACKAGES = ("firmware_bridge", "recordings", "sensing", "models", "trial", "nightcramp")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_there(package):
    module = importlib.import_module(package)
    assert list(module.__all__) == sorted(module.__all__, key=_order)
    for name in module.__all__:
        assert getattr(module, name) is not None


def _order(name):
    """Constants first, then classes, then functions, as ruff sorts them."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError):
        _ = nightcramp.no_such_name
    with pytest.raises(AttributeError):
        _ = nightcramp.NoSuchError


@pytest.mark.parametrize("module", ["nightcramp", "nightcramp.__main__"])
def test_starting_up_imports_nothing_heavy(module):
    heavy = {"numpy", "scipy", "pandas", "onnxruntime", "matplotlib"}
    code = f"import sys, {module}; print(*sorted({heavy} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert shown.stdout.split() == []


def test_windows_is_refused_in_plain_words():
    code = "import sys; sys.platform = 'win32'; import recordings"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False, text=True
    )
    assert shown.returncode == 1
    assert "nightcramp runs on Linux and macOS, not on Windows" in shown.stderr.splitlines()[-1]


@pytest.fixture
def samples():
    """A minute of one quiet channel, in microvolts."""
    rng = np.random.default_rng(0)
    return np.round(rng.normal(0, 30, (1, 60 * 1000))).astype(np.float32) / 10


@pytest.fixture
def file(tmp_path, samples):
    """The same as a file."""
    channel = Channel("EMG GM", "uV", 0.1, (-3000.0, 3000.0))
    stream = Stream("emg", 1000.0, (channel,), samples.shape[1])
    path = tmp_path / "night.edf"
    write_edf(path, RecordingInfo("n", datetime(2026, 1, 1), stream), samples, None)
    return path


def test_the_code_in_the_readme_runs(pytestconfig, file, capsys):
    (block,) = re.findall(
        r"```python\n(.*?)```", (pytestconfig.rootpath / "README.md").read_text(), re.DOTALL
    )
    exec(compile(block, "README.md", "exec"), {"path": file})  # noqa: S102
    assert "hours in which a cramp would have been seen" in capsys.readouterr().out


def test_the_code_in_the_help_of_the_package_runs(file, samples, monkeypatch):
    monkeypatch.chdir(file.parent)
    examples = doctest.DocTestParser().get_examples(nightcramp.__doc__)
    names = {"samples": samples}
    for example in examples:
        exec(compile(example.source, "help", "single"), names)  # noqa: S102
    assert nightcramp.detect(names["recording"], nightcramp.load_classifier()) is not None
    assert len(examples) == 9


def test_the_public_names_are_what_completion_and_help_show():
    assert set(dir(nightcramp)) == set(nightcramp.__all__)


def test_paths_may_be_text(file, tmp_path):
    assert nightcramp.open_recording(str(file)).info.duration_s == 60.0
    with pytest.raises(nightcramp.ModelError, match="cannot be read"):
        nightcramp.load_classifier(str(tmp_path / "no.onnx"))
    with pytest.raises(nightcramp.InputError, match=r"study\.toml"):
        nightcramp.load_study(str(tmp_path))
    with pytest.raises(nightcramp.UsageError, match="nothing is overwritten"):
        nightcramp.write_report(str(tmp_path), str(tmp_path), who="x", arms="arms.tsv")


def test_the_readme_names_every_command(pytestconfig):
    text = (pytestconfig.rootpath / "README.md").read_text()
    named = set(re.findall(r"nightcramp ([a-z]+)", text))
    for others in re.findall(r"`nightcramp [a-z]+`((?:, `[a-z]+`)+)", text):
        named |= set(re.findall(r"[a-z]+", others))
    assert set(get_command(app).commands) <= named


def test_a_folder_called_models_in_the_way_is_named(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").touch()
    command = [sys.executable, "-c", "import nightcramp.__main__ as m; m.main()", "--version"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "models" in run.stderr
    assert str(tmp_path) in run.stderr


def test_errors_say_file_place_problem_and_advice_in_this_order():
    error = InputError("found x, expected y", file="a.tsv", place="line 3", advice="Write y.")
    assert str(error) == "a.tsv: line 3: found x, expected y. Write y."
    assert str(TableError([error, error])).splitlines()[0] == "2 problems in the study's tables"
