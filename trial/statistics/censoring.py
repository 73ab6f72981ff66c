"""Durations of which only a part was seen, completed by what is known of the others.

A cramp that touches a gap lasted longer than was seen. Taking it as seen makes cramps too short;
leaving it out does too, as long ones are cut more often. Durations are taken as log-normal, with a
level of each participant and a spread within; the unseen part is replaced by its expectation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_ndtr, logsumexp

__all__ = ["Completed", "DurationModel", "complete", "fit_durations"]

_NODES = np.linspace(-5, 5, 101)  # of the standard normal level of a participant
_LOG_WEIGHTS = -(_NODES**2) / 2 - logsumexp(-(_NODES**2) / 2)
_LOG_SPREADS = (-4.0, 2.0)  # bounds of the logarithms of both standard deviations

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class DurationModel:
    """Log minutes of a cramp: mean, and spread between and within participants."""

    mean: float
    between: float
    within: float


@dataclass(frozen=True, slots=True)
class Completed:
    """Durations with the unseen part in expectation.

    Attributes
    ----------
    log_minutes, minutes : float64 array, shape (episodes,)
        Expected logarithm and expected duration; those of uncensored episodes as seen.
    """

    log_minutes: FloatArray
    minutes: FloatArray


def fit_durations(minutes: FloatArray, censored: BoolArray, person: IntArray) -> DurationModel:
    """Fit the model by maximum likelihood; censored durations enter with their tail probability.

    Parameters
    ----------
    minutes : float64 array, shape (episodes,)
        Above 0; at least two of them uncensored.
    censored : bool array, shape (episodes,)
    person : int64 array, shape (episodes,)
        Number of the participant, from 0.
    """
    log_minutes = np.log(minutes)
    spread = math.log(max(float(log_minutes[~censored].std()), 0.1) / math.sqrt(2))
    start = np.array([float(log_minutes.mean()), spread, spread])

    def loss(parameters: FloatArray) -> float:
        model = _model(parameters)
        joint = _log_joint(model, log_minutes, censored, person)
        return -float(logsumexp(joint, axis=1).sum())

    found = minimize(
        loss, start, method="L-BFGS-B", bounds=[(None, None), _LOG_SPREADS, _LOG_SPREADS]
    )
    return _model(found.x)


def complete(
    model: DurationModel, minutes: FloatArray, censored: BoolArray, person: IntArray
) -> Completed:
    """Replace censored durations by their expectation given all that was seen of the participant.

    Parameters
    ----------
    model : DurationModel
    minutes, censored, person
        As in `fit_durations`.
    """
    log_minutes = np.log(minutes)
    joint = _log_joint(model, log_minutes, censored, person)
    posterior = joint - logsumexp(joint, axis=1, keepdims=True)
    level = model.mean + model.between * _NODES
    z = (log_minutes[censored, None] - level) / model.within
    tail = log_ndtr(-z)
    hazard = np.exp(-(z**2) / 2 - math.log(2 * math.pi) / 2 - tail)
    weights = np.exp(posterior[person[censored]])
    expected_log, expected = log_minutes.copy(), minutes.copy()
    expected_log[censored] = (weights * (level + model.within * hazard)).sum(axis=1)
    mean_beyond = np.exp(level + model.within**2 / 2 + log_ndtr(model.within - z) - tail)
    expected[censored] = (weights * mean_beyond).sum(axis=1)
    return Completed(expected_log, expected)


def _model(parameters: FloatArray) -> DurationModel:
    mean, between, within = (float(value) for value in parameters)
    return DurationModel(mean, math.exp(between), math.exp(within))


def _log_joint(
    model: DurationModel, log_minutes: FloatArray, censored: BoolArray, person: IntArray
) -> FloatArray:
    """Return the log density of each participant's durations and level, (participants, nodes)."""
    people = int(person.max()) + 1
    level = model.mean + model.between * _NODES
    own, seen = person[~censored], log_minutes[~censored]
    count = np.bincount(own, minlength=people)
    mean = np.bincount(own, seen, people) / np.maximum(count, 1)
    square = np.bincount(own, (seen - mean[own]) ** 2, people)
    distance = square[:, None] + count[:, None] * (mean[:, None] - level) ** 2
    joint = _LOG_WEIGHTS - count[:, None] * math.log(model.within) - distance / 2 / model.within**2
    tails = log_ndtr((level - log_minutes[censored, None]) / model.within)
    np.add.at(joint, person[censored], tails)
    return np.asarray(joint, dtype=np.float64)
