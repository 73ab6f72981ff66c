"""The simulator's numbers: one file, typed, nothing missing and nothing unknown."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.simulator import SIMULATOR_VERSION
from models.simulator.distributions import LogNormal, Normal, Uniform
from models.simulator.parameter_file import default_parameters, read_parameters
from models.simulator.sources import SOURCES
from nightcramp.errors import InputError

TEXT = resources.files("models.simulator").joinpath("parameters.toml").read_text("utf-8")


def test_the_packaged_file_is_what_the_simulator_uses():
    assert read_parameters(TEXT) == default_parameters()
    assert default_parameters().version == SIMULATOR_VERSION


def test_every_number_names_its_source_or_says_that_it_is_assumed():
    silent = [
        line
        for line in TEXT.splitlines()
        if " = " in line and line.split(" = ")[0] in _names() and "#" not in line
    ]
    # Pairs of lines share the comment of the first.
    assert len(silent) < 12, silent


def _names():
    parameters = default_parameters()
    sections = ("participant", "pool", "cramp", "voluntary", "movement", "ambulation", "artefact")
    return {name for section in sections for name in type(getattr(parameters, section)).__slots__}


def test_suites_name_known_sources_and_bases():
    suites = default_parameters().suites
    for suite in suites.values():
        assert suite.base in {"", *suites}
        assert {*suite.rates, *suite.fixed, *suite.at_least} <= {*SOURCES}


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("threshold_range = 30.0", "", "pool: missing or unknown: threshold_range"),
        (
            "threshold_range = 30.0",
            "threshold_range = 30.0\nodd = 1",
            "pool: missing or unknown: odd",
        ),
        ("threshold_range = 30.0", 'threshold_range = "30"', "pool.threshold_range: unexpected"),
        ("drift = [-0.3, 0.3]", "drift = [-0.3]", "voluntary.drift: unexpected"),
        ("[pool]", "[pool", "not valid TOML"),
        ("median = 75.0, ", "", "cramp.duration_s: missing or unknown: median"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_the_place(old, new, place):
    with pytest.raises(InputError, match=place.replace(".", r"\.")):
        read_parameters(TEXT.replace(old, new, 1))


@given(seed=st.integers(0, 2**32), low=st.floats(0.1, 5), span=st.floats(0.1, 50))
def test_draws_stay_within_their_bounds(seed, low, span):
    rng = np.random.default_rng(seed)
    high = low + span
    for kind in (
        Uniform(low, high),
        Normal(low + span / 3, span, low, high),
        LogNormal(low + span / 3, 2.0, low, high),
    ):
        assert low - 1e-9 <= kind.draw(rng) <= high + 1e-9
    assert low - 1e-9 <= Uniform(low, high).draw_log(rng) <= high + 1e-9


def test_a_lognormal_has_its_median_and_spread():
    rng = np.random.default_rng(0)
    wide = LogNormal(75.0, 2.3, 0.0, 1e9)
    values = np.array([wide.draw(rng) for _ in range(4000)])
    assert np.median(values) == pytest.approx(75.0, rel=0.06)
    assert np.exp(np.log(values).std()) == pytest.approx(2.3, abs=0.08)


def test_counts_include_both_ends():
    rng = np.random.default_rng(0)
    assert {Uniform(2.0, 4.0).draw_count(rng) for _ in range(60)} == {2, 3, 4}
