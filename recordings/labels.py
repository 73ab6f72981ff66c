"""What the names of signals tell about them."""

from __future__ import annotations

import re

_SIDE = r"(?:l|r|lt|rt|left|right)?"
_END = r"(?:l|r|left|right|dx|sx)?[0-9]*"
# Calf and shin as AASM scoring, EDF+ texts and common recorders name them.
_LEG = re.compile(
    rf"{_SIDE}(?:gastroc\w*|gast\w*|g[mla]|[ml]g|sol|soleus|ta|at|tib\w*|peron\w*|calf|legs?|plm\w*){_END}"
)
_EMG = re.compile(r"[lr]?emg\w*")
# Not a raw signal of a limb muscle, whatever else the name holds: chin, jaw and breathing never
# show a calf.
_OTHER = re.compile(
    r"(?:eeg|eog|ecg|ekg|resp|thor|abd|snor|temp|gyr|chin|subment|ment|masset|diaph|intercost|env|trig|batt)\w*"
    r"|flow|airflow|nasal|spo2|sao2|pulse|pleth|mag|pos|position|rms|status|marker|light|link|imp"
)
# Of a polysomnography: there an EMG that names no muscle is the chin's.
_HEAD = re.compile(r"(?:eeg|eog)\w*|(?:[lr]oc|fp[12z]|[fc][34])(?:[am][12])?")
_UNPLACED = re.compile(r"(?:emg)?[0-9]*|ref")
_ACC = re.compile(r"[xyz]?acc(?:el\w*)?[xyz]?[0-9]*")
_AXES = (
    re.compile(r"()([xyz])()"),
    re.compile(r"(acc[a-z]*?)([xyz])([0-9]*)"),
    re.compile(r"(.*)([xyz])([0-9]*)"),
)


def is_emg_label(label: str) -> bool:
    """Whether a signal is the raw EMG of a limb by its name: ``EMG ...`` or a muscle of the leg."""
    words = _words(label)
    if any(_OTHER.fullmatch(word.removeprefix("emg")) or _ACC.fullmatch(word) for word in words):
        return False
    return any(_EMG.fullmatch(word) or _LEG.fullmatch(word) for word in words)


def is_unplaced_emg(label: str) -> bool:
    """Whether a signal is an EMG that does not say of which muscle: ``EMG``, ``EMG1-EMG2``."""
    return is_emg_label(label) and all(_UNPLACED.fullmatch(word) for word in _words(label))


def is_head_label(label: str) -> bool:
    """Whether a signal is an EEG or the movement of an eye by its name."""
    return not is_emg_label(label) and any(_HEAD.fullmatch(word) for word in _words(label))


def is_acc_label(label: str) -> bool:
    """Whether a signal is an acceleration by its name."""
    return any(_ACC.fullmatch(word) for word in _words(label))


def axis_of(label: str) -> tuple[str, str] | None:
    """Return the sensor and the axis (``"x"``, ``"y"`` or ``"z"``) an acceleration belongs to.

    Labels that differ in nothing but their axis give the same sensor. None if no axis is named.
    """
    words = [word for word in _words(label) if word != "axis"]
    for pattern in _AXES:
        for i, word in enumerate(words):
            if match := pattern.fullmatch(word):
                sensor = (*words[:i], match[1] + match[3], *words[i + 1 :])
                return " ".join(filter(None, sensor)), match[2]
    return None


def _words(label: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", label.lower())
