"""What the parts of one picture share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from nightcramp.picture.timeline import Timeline
from sensing import Censored, Event, EventKind, NightResult

if TYPE_CHECKING:
    from recordings import Recording, RecordingInfo


@dataclass(frozen=True, slots=True)
class Episode:
    """A cramp or possible cramp and the label that joins its mark to its panel."""

    label: str
    event: Event

    @property
    def is_cramp(self) -> bool:
        """Whether it counts, rather than being only possible."""
        return self.event.kind is EventKind.CRAMP

    @property
    def onset_hidden(self) -> bool:
        """Whether it began before what could be seen."""
        return self.event.censored in (Censored.ONSET, Censored.BOTH)

    @property
    def offset_hidden(self) -> bool:
        """Whether it ended after what could be seen."""
        return self.event.censored in (Censored.OFFSET, Censored.BOTH)


@dataclass(frozen=True)
class Night:
    """A recording and its result.

    Attributes
    ----------
    result : NightResult
    recording : Recording
    scores_threshold : float or None
        Probability at which the detector opens an episode.
    """

    result: NightResult
    recording: Recording
    scores_threshold: float | None = None

    @property
    def info(self) -> RecordingInfo:
        """What is known of the recording without its samples."""
        return self.recording.info

    @property
    def timeline(self) -> Timeline:
        """Names of the recording's moments."""
        return Timeline(self.info.start, self.result.duration_s)

    @cached_property
    def episodes(self) -> tuple[Episode, ...]:
        """Cramps (1, 2, …), then possible cramps (?1, ?2, …), each by onset."""
        cramps = self.result.of_kind(EventKind.CRAMP)
        possible = self.result.of_kind(EventKind.POSSIBLE_CRAMP)
        numbered = [Episode(str(number), event) for number, event in enumerate(cramps, start=1)]
        doubted = [Episode(f"?{number}", event) for number, event in enumerate(possible, start=1)]
        return (*numbered, *doubted)

    @property
    def emg_unit(self) -> str:
        """Unit of EMG amplitudes."""
        return "µV" if self.info.emg.scaled else "counts"

    @property
    def acc_unit(self) -> str:
        """Unit of accelerations."""
        scaled = self.info.acc is not None and self.info.acc.scaled
        return "g" if scaled else "counts"
