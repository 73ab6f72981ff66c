"""Sensor against diary, week by week: differences over means on the square root scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FixedFormatter, FixedLocator

from trial.report.drawing import GREY, INK, LOOKS, paper, style
from trial.weeks import nightly_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from trial.statistics.sensor_diary import WeeklyAgreement
    from trial.study import Study

__all__ = ["draw_agreement", "weeks_of_both"]

_WIDTH, _HEIGHT = 330.0, 236.0  # points
_MARGINS = (34.0, 62.0, 18.0, 34.0)
_SIZES = 12  # of dots
_CRAMPS = (0, 1, 2, 4, 8, 16, 32)


def weeks_of_both(study: Study) -> pd.DataFrame:
    """Return how often each pair of weekly cramps by sensor and diary occurs under treatment.

    Returns
    -------
    DataFrame
        ``sensor diary weeks``; over nights that both answer.
    """
    nights = nightly_table(study).dropna(subset=["cramps"])
    nights = nights[nights["analysable_hours"] >= study.plan.display.night_hours]
    nights = nights[nights["week"] > 0]
    weeks = nights.groupby(["participant_id", "week"])[["episodes", "cramps"]].sum()
    pairs = weeks.rename(columns={"episodes": "sensor", "cramps": "diary"})
    return pairs.groupby(["sensor", "diary"]).size().rename("weeks").reset_index()


def draw_agreement(pairs: pd.DataFrame, found: WeeklyAgreement) -> Figure:
    """Draw differences over means; a dot's area is the number of weeks that share it."""
    sensor, diary = (np.sqrt(pairs[side].to_numpy(np.float64)) for side in ("sensor", "diary"))
    weeks = pairs["weeks"].to_numpy(np.float64)
    mean, difference = (sensor + diary) / 2, sensor - diary
    reach = 1.15 * max(abs(found.low), abs(found.high), *np.abs(difference))
    with style():
        figure, axes = paper(_WIDTH, _HEIGHT, _MARGINS)
        axes.scatter(
            mean,
            difference,
            s=2 + 170 * np.ceil(_SIZES * weeks / weeks.max()) / _SIZES,
            color=LOOKS[0].colour,
            alpha=0.55,
            linewidths=0,
        )
        axes.set_ylim(-reach, reach)
        shown = [n for n in _CRAMPS if np.sqrt(n) <= max(mean.max(), 1)]
        axes.xaxis.set_major_locator(FixedLocator([float(np.sqrt(n)) for n in shown]))
        axes.xaxis.set_major_formatter(FixedFormatter([str(n) for n in shown]))
        axes.set_xlabel("mean of both, cramps in a week (square root scale)")
        axes.annotate(
            "Sensor minus diary (square roots)",
            (0, 1),
            (-30, 8),
            xycoords="axes fraction",
            textcoords="offset points",
            va="bottom",
        )
        for name, value, dash in (
            ("mean", found.bias, "solid"),
            ("upper limit", found.high, "dashed"),
            ("lower limit", found.low, "dashed"),
        ):
            axes.axhline(value, color=INK, linestyle=dash, linewidth=0.9)
            axes.annotate(
                name,
                (1, value),
                (4, 0),
                xycoords=axes.get_yaxis_transform(),
                textcoords="offset points",
                va="center",
                color=GREY,
                annotation_clip=False,
            )
    return figure
