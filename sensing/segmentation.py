"""Scores to episodes: hysteresis on the probability, onset and offset found on the envelope."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sensing.evidence import LYING_S, Evidence, Span, measure_episode
from sensing.frames import FRAME_BINS, HOP_BINS, FrontEndOutput
from sensing.rest import RestWatch
from sensing.track import Track, start_of_activity, stretches
from sensing.types import BoolArray, Censored, EmgFormat, Event, EventKind, FloatArray

SEARCH_BACK_S = 60.0
"""An onset is looked for this far before the score rose: scores follow their evidence."""

DIP_S = 2.0
"""A cramp waxes and wanes: quiet shorter than this does not end it."""

EDGE_RATIO = 2.0
"""Onset and offset lie where the envelope crosses this multiple of the noise floor ..."""

OFFSET_SHARE = 0.15
"""... and the offset not below this share of the episode's strongest tenth."""

TWITCH_BINS = 10
"""Activity shorter than a second after an episode is fasciculation, not its end."""

LIKELY_SHARE = 0.2
"""Channels that show this share of what the best one shows of a cramp may be reported for it: the
strongest of them is over the muscle, others see it through the tissue."""

LONGEST_S = 1200.0
"""Whatever lasts longer is not one cramp (clinically ten minutes at most); it is cut here."""


@dataclass(frozen=True, slots=True)
class SegmentationRules:
    """When scores make an episode; thresholds belong to the model they were tuned with.

    Attributes
    ----------
    on, off : float
        Smoothed probability that begins an episode, and below which it ends.
    least_confidence, certain_confidence : float
        Episodes with a lower confidence are dropped, or are "possible" cramps.
    smooth_frames : int
        Frames the probability is averaged over.
    merge_s : float
        Low scores or lost samples up to this long do not end an episode.
    tail : float
        An episode ends where the smoothed probability was last this high: it stays up for a while
        where somebody stands up or rubs the calf at the end of a cramp.
    low_score_s : float
        Low scores this long end an episode although the envelope stays up.
    resume_s : float
        An episode that ended goes on if scores rise to `on` again within this time: cramps fade
        and come back. Nothing is joined that did not look like a cramp on both sides.
    shortest_s : float
        Shorter episodes are dropped.
    certain_s, certain_intensity : float
        Shorter episodes, and episodes whose median amplitude is a smaller multiple of the noise
        floor, are "possible" cramps: nothing tells weak ones from the tone of a loaded foot.
    certain_rest_s : float
        So are those before which less of five minutes was seen to be rest on all channels.
    certain_busy_s : float
        So are those before which more of half a minute was seen to be activity on any channel: who
        has just walked stands now.
    apart_s : float
        So are those that begin sooner than this after a sure cramp: they are the same cramp, seen
        again after a gap or after it had faded, and a trial must not count it twice.
    """

    on: float = 0.6
    off: float = 0.05
    least_confidence: float = 0.3
    certain_confidence: float = 0.0
    smooth_frames: int = 3
    merge_s: float = 1.0
    tail: float = 0.6
    low_score_s: float = 10.0
    resume_s: float = 10.0
    shortest_s: float = 10.0
    certain_s: float = 15.0
    certain_intensity: float = 2.0
    certain_rest_s: float = 90.0
    certain_busy_s: float = 15.0
    apart_s: float = 30.0


class Segmenter:
    """Turns the frames of one recording into episodes; any chunking gives the same.

    Parameters
    ----------
    form : EmgFormat
    bin_s : float
        Length of a bin in seconds.
    rules : SegmentationRules
    evidence : Evidence
        Gives an episode that ended its confidence.
    """

    def __init__(
        self, form: EmgFormat, bin_s: float, rules: SegmentationRules, evidence: Evidence
    ) -> None:
        self._form = form
        self._bin_s = bin_s
        self._rules = rules
        self._evidence = evidence
        self._track = Track(len(form.labels), bin_s)
        self._rest = RestWatch(bin_s)
        self._recent: list[float] = []
        self._open: _Candidate | None = None
        self._earliest = 0
        self._cramp_end: int | None = None

    def push(self, output: FrontEndOutput, scores: FloatArray) -> list[Event]:
        """Take completed bins and the score of each frame and channel.

        Parameters
        ----------
        output : FrontEndOutput
        scores : float32 array, shape (channels, frames)
            Probability of a cramp; NaN where the frame cannot be judged.

        Returns
        -------
        list of Event
            Episodes that these frames ended.
        """
        self._track.add(output, scores)
        self._rest.push(output)
        best = np.fmax.reduce(scores, axis=0).tolist()
        events = []
        # The mean of scores below `on` is below it too; with NaN first, max is NaN and says no.
        if self._open is None and max([*self._recent, *best], default=0.0) < self._rules.on:
            self._pass_over(best)
        else:
            for index, end in enumerate(output.frame_end_bin.tolist()):
                event = self._step(end, best[index], scores[:, index])
                if event is not None:
                    events.append(event)
        keep_s = SEARCH_BACK_S - LYING_S[0] + 5
        oldest = self._open.first if self._open else self._track.end
        self._track.forget_before(oldest - round(keep_s / self._bin_s))
        return events

    def unsettled(self, seconds: int) -> BoolArray:
        """Return in which seconds a cramp that began would not be a sure one."""
        rules = self._rules
        return self._rest.unsettled(rules.certain_rest_s, rules.certain_busy_s, seconds)

    def finish(self) -> list[Event]:
        """End the recording: an episode still open is censored at its offset."""
        if self._open is None:
            return []
        end, low_since = self._track.end, self._open.low_since
        if self._open.over and low_since is not None:
            event = self._close(self._open, low_since, now=end)
        else:
            event = self._close(self._open, end, now=end, cut_off=True)
        return [event] if event else []

    def _step(self, end: int, best: float, scores: FloatArray) -> Event | None:
        """Take one frame that ends at bin `end`; `best` is the largest of its scores."""
        smoothed = self._smooth(best)
        if self._open is None:
            if smoothed >= self._rules.on:
                self._open = _Candidate(first=end - FRAME_BINS, channels=len(scores))
                self._open.add(scores, end)
            return None
        return self._follow(self._open, end, scores, smoothed)

    def _pass_over(self, best: list[float]) -> None:
        """Take frames none of which can open an episode: only the latest are remembered."""
        for score in best[-self._rules.smooth_frames :]:
            self._smooth(score)

    def _smooth(self, score: float) -> float:
        """Return the mean of the latest scores; a frame without score starts anew."""
        if math.isnan(score):
            self._recent = []
            return float("nan")
        self._recent = [*self._recent, score][-self._rules.smooth_frames :]
        return sum(self._recent) / self._rules.smooth_frames

    def _follow(
        self, candidate: _Candidate, end: int, scores: FloatArray, smoothed: float
    ) -> Event | None:
        """Extend the open episode by a frame, or end it."""
        if math.isnan(smoothed):
            return self._bear_loss(candidate, end)
        candidate.lost_s = 0.0
        candidate.last_judged = end
        if smoothed >= (self._rules.on if candidate.over else self._rules.off):
            candidate.low_since, candidate.over = None, False
            candidate.add(scores, end)
            if smoothed >= self._rules.tail:
                candidate.last_sure = end
        elif candidate.low_since is None:
            candidate.low_since = end - HOP_BINS
        if (end - candidate.first) * self._bin_s >= LONGEST_S:
            return self._close(candidate, end, now=end)
        if candidate.low_since is None:
            return None
        low_s = (end - candidate.low_since) * self._bin_s
        candidate.over |= low_s >= self._rules.low_score_s or (
            low_s > self._rules.merge_s and self._quiet(candidate, end)
        )
        if candidate.over and low_s >= self._rules.resume_s:
            return self._close(candidate, candidate.low_since, now=end)
        return None

    def _bear_loss(self, candidate: _Candidate, end: int) -> Event | None:
        """Wait for lost samples to come back, or end the episode: nothing is joined over a gap."""
        candidate.lost_s += HOP_BINS * self._bin_s
        if candidate.lost_s <= self._rules.merge_s:
            return None
        if candidate.over and candidate.low_since is not None:
            return self._close(candidate, candidate.low_since, now=end)
        return self._close(candidate, candidate.last_judged, now=end, cut_off=True)

    def _quiet(self, candidate: _Candidate, end: int) -> bool:
        """Whether the envelope has been down long enough to end the episode."""
        dip = round(DIP_S / self._bin_s)
        level = self._track.envelope(self._channel(candidate, end), end - dip, end)
        return bool((level < np.log2(EDGE_RATIO)).all())

    def _close(
        self, candidate: _Candidate, last: int, *, now: int, cut_off: bool = False
    ) -> Event | None:
        """Find the edges of an episode whose scores fell, or were cut off, at bin `last`.

        Nothing after `now` is looked at, so that live and replay find the same edges.
        """
        self._open = None
        self._recent = []
        if not cut_off:
            last = min(last, candidate.last_sure)
        channel = self._channel(candidate, last)
        onset, onset_hidden = self._find_onset(channel, candidate.first)
        offset_hidden = cut_off and self._still_up(channel, last)
        offset = last
        if not offset_hidden:
            offset = self._find_offset(channel, candidate.first, last, now)
        self._earliest = offset
        duration_s = (offset - onset) * self._bin_s
        if duration_s < self._rules.shortest_s:
            return None
        rest_s = self._rest.rest_before(onset)
        measures = measure_episode(self._track, Span(channel, onset, offset, now), rest_s)
        confidence = self._evidence.probability(measures)
        if confidence < self._rules.least_confidence:
            return None
        intensity, rms = self._track.strength(channel, onset, offset)
        certain = (
            confidence >= self._rules.certain_confidence
            and duration_s >= self._rules.certain_s
            and intensity >= self._rules.certain_intensity
            and rest_s >= self._rules.certain_rest_s
            and self._rest.busy_before(onset) <= self._rules.certain_busy_s
            and not self._goes_on(onset)
        )
        if certain:
            self._cramp_end = offset
        return Event(
            onset_s=onset * self._bin_s,
            duration_s=duration_s,
            kind=EventKind.CRAMP if certain else EventKind.POSSIBLE_CRAMP,
            channel=self._form.labels[channel],
            confidence=confidence,
            intensity=intensity,
            rms_uv=rms if self._form.scaled else None,
            censored=_CENSORED[onset_hidden, offset_hidden],
        )

    def _channel(self, candidate: _Candidate, end: int) -> int:
        """Return the strongest of the channels that show the episode."""
        likely = candidate.likely_channels()
        strengths = [self._track.strength(int(one), candidate.first, end)[0] for one in likely]
        return int(likely[np.nan_to_num(strengths).argmax()])

    def _goes_on(self, onset: int) -> bool:
        """Whether an episode that begins at `onset` is the last sure cramp going on."""
        if self._cramp_end is None:
            return False
        return (onset - self._cramp_end) * self._bin_s < self._rules.apart_s

    def _find_onset(self, channel: int, first: int) -> tuple[int, bool]:
        """Search backwards for the start of the activity; True if a gap or the start hides it."""
        reach = round(SEARCH_BACK_S / self._bin_s)
        oldest = max(first - reach, self._earliest, self._track.start)
        level = self._track.envelope(channel, oldest, first + FRAME_BINS)
        unknown = np.flatnonzero(np.isnan(level[: first - oldest]))
        after_gap = int(unknown[-1]) + 1 if len(unknown) else 0
        up = level[after_gap:] >= np.log2(EDGE_RATIO)
        begin = start_of_activity(up, round(DIP_S / self._bin_s))
        hidden = begin == 0 and (len(unknown) > 0 or oldest == 0)
        return oldest + after_gap + begin, hidden

    def _find_offset(self, channel: int, first: int, last: int, now: int) -> int:
        """Return where the last sustained activity that began before `last` came down."""
        dip = round(DIP_S / self._bin_s)
        level = self._track.envelope(channel, first, min(last + dip, now))
        known = level[~np.isnan(level)]
        strongest = float(np.quantile(known, 0.9)) if len(known) else 0.0
        edge = max(np.log2(EDGE_RATIO), strongest + np.log2(OFFSET_SHARE))
        ends = [end for begin, end in stretches(level >= edge, dip) if end - begin >= TWITCH_BINS]
        return min(first + ends[-1], last) if ends else last

    def _still_up(self, channel: int, last: int) -> bool:
        """Whether the muscle was still active when the samples ended."""
        dip = round(DIP_S / self._bin_s)
        level = self._track.envelope(channel, max(last - dip, self._track.start), last)
        return bool((level >= np.log2(EDGE_RATIO)).any())


_CENSORED = {
    (False, False): Censored.NONE,
    (True, False): Censored.ONSET,
    (False, True): Censored.OFFSET,
    (True, True): Censored.BOTH,
}


class _Candidate:
    """An episode in the making."""

    def __init__(self, first: int, channels: int) -> None:
        self.first = first
        self.last_judged = first
        self.last_sure = first + FRAME_BINS
        self.low_since: int | None = None
        self.over = False
        self.lost_s = 0.0
        self._sums = np.zeros(channels)

    def add(self, scores: FloatArray, end: int) -> None:
        """Take the scores of a frame that looks like a cramp."""
        self.last_judged = end
        self._sums += np.nan_to_num(scores)

    def likely_channels(self) -> npt.NDArray[np.intp]:
        """Return the channels on which the episode looks like a cramp."""
        return np.flatnonzero(self._sums >= LIKELY_SHARE * self._sums.max())
