"""Units of files and the two units samples are delivered in: microvolts and g."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recordings.recording import StreamKind

UNSCALED = "count"
_DELIVERED = {"emg": "uV", "acc": "g"}

_MICRO = str.maketrans({"\N{MICRO SIGN}": "u", "\N{GREEK SMALL LETTER MU}": "u"})
_EXPONENTS = str.maketrans({"\N{SUPERSCRIPT TWO}": "2", "^": None, "*": None, " ": None})
_VOLT = re.compile(r"volts?$")
_METRE_PER_S2 = Fraction(100_000, 980_665)  # one standard gravity is 9.80665 m/s2 (CGPM 1901)

_FACTORS: dict[StreamKind, dict[str, Fraction]] = {
    "emg": {
        "v": Fraction(1_000_000),
        "mv": Fraction(1_000),
        "milliv": Fraction(1_000),
        "uv": Fraction(1),
        "microv": Fraction(1),
        "nv": Fraction(1, 1_000),
        "nanov": Fraction(1, 1_000),
    },
    "acc": {
        "g": Fraction(1),
        "mg": Fraction(1, 1_000),
        "ug": Fraction(1, 1_000_000),
        "m/s2": _METRE_PER_S2,
        "m/s/s": _METRE_PER_S2,
        "ms-2": _METRE_PER_S2,
    },
}


def delivered_unit(kind: StreamKind, text: str) -> tuple[str, Fraction]:
    """Return the unit samples are delivered in and what one unit of the file is worth in it.

    Parameters
    ----------
    kind : {"emg", "acc"}
    text : str
        Physical dimension as it stands in the file, any case; ``µ`` may be written ``u``, and ``V``
        in full.

    Returns
    -------
    unit : str
        ``"uV"`` or ``"g"``; ``"count"`` if the text names no voltage or no acceleration.
    factor : Fraction
        Exact; 1 for counts.
    """
    plain = text.lower().translate(_MICRO).translate(_EXPONENTS)
    factor = _FACTORS[kind].get(_VOLT.sub("v", plain))
    return (UNSCALED, Fraction(1)) if factor is None else (_DELIVERED[kind], factor)
