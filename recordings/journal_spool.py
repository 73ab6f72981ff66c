"""Counts of one stream in a temporary file, so that a journal is decoded only once."""

from __future__ import annotations

import os
import tempfile
import weakref
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from firmware_bridge import MissingStretch
from nightcramp.errors import OutputError

if TYPE_CHECKING:
    from firmware_bridge import Stretch
    from recordings.gaps import Spans
    from recordings.journal_format import StreamFormat


_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class MissingSpan:
    """Positions from `first` up to `stop` that are missing.

    Attributes
    ----------
    first, stop : int
    cause : str
        Value of a `firmware_bridge.GapCause`.
    error_s : float
        Standard uncertainty of their number, in seconds.
    """

    first: int
    stop: int
    cause: str
    error_s: float


class StreamSpool:
    """Counts of a stream by position; takes no memory, whatever its length.

    The file is in the system's folder for temporary files (``TMPDIR``), has no name, and is gone
    with the object.

    Parameters
    ----------
    form : StreamFormat

    Raises
    ------
    OutputError
        If the temporary file cannot be made.

    Attributes
    ----------
    n : int
        Positions so far.
    missing : list of MissingSpan
        In order; neighbours of one cause are joined.
    clipped : int
        Counts beyond the converter's range.
    """

    def __init__(self, form: StreamFormat) -> None:
        self.form = form
        self.n = 0
        self.missing: list[MissingSpan] = []
        self.clipped = 0
        self._dtype = np.dtype("<i2" if form.sample_bytes == 2 else "<i4")
        self._frame = self._dtype.itemsize * form.spec.channels
        self._pieces: list[npt.NDArray[np.int32]] = []
        self._written = 0
        try:
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (kept open)
        except OSError as error:
            raise _unwritable(error) from error
        weakref.finalize(self, self._file.close)

    @property
    def has_samples(self) -> bool:
        """Whether anything is not missing."""
        return sum(span.stop - span.first for span in self.missing) < self.n

    def append(self, item: Stretch | MissingStretch) -> None:
        """Take what follows.

        Raises
        ------
        OutputError
            If the temporary file cannot be written.
        """
        self.n += item.n
        if isinstance(item, MissingStretch):
            self._miss(item)
            return
        self._pieces.append(item.counts)
        if self.n - self._written >= _AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what is held in memory; raises OutputError as `append` does.

        A gap leaves a hole in the file.
        """
        if not self._pieces:
            return
        told = np.concatenate(self._pieces, axis=1)
        self._pieces = []
        counts = self.form.clip(told)
        self.clipped += int(np.count_nonzero(counts != told))
        rest = memoryview(counts.T.astype(self._dtype, order="C").tobytes())
        try:
            self._file.seek(self._written * self._frame)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise _unwritable(error) from error
        self._written += counts.shape[1]

    def read(self, first: int, stop: int) -> npt.NDArray[np.int32]:
        """Return counts by position, shape (channels, stop - first); 0 where missing."""
        self.flush()
        size, start = (stop - first) * self._frame, first * self._frame
        found = os.pread(self._file.fileno(), size, start)
        counts = np.frombuffer(found.ljust(size, b"\0"), self._dtype)
        return counts.reshape(-1, self.form.spec.channels).T.astype(np.int32)

    def spans(self, first: int, stop: int) -> Spans:
        """Return the missing positions from `first` up to `stop`, counted from `first`."""
        begin = bisect_right(self.missing, first, key=lambda span: span.stop)
        end = bisect_left(self.missing, stop, key=lambda span: span.first)
        found = [
            (max(span.first, first) - first, min(span.stop, stop) - first)
            for span in self.missing[begin:end]
        ]
        return np.array(found, np.int64).reshape(-1, 2)

    def samples(self, first: int, stop: int) -> npt.NDArray[np.float32]:
        """Return samples by position in the channels' units; NaN where missing."""
        samples = self.form.samples(self.read(first, stop))
        for begin, end in self.spans(first, stop).tolist():
            samples[:, begin:end] = np.nan
        return samples

    def _miss(self, item: MissingStretch) -> None:
        self.flush()
        self._written = self.n
        span = MissingSpan(item.start, item.start + item.n, item.cause.value, item.error_s)
        last = self.missing[-1] if self.missing else None
        if last and last.stop == span.first and last.cause == span.cause:
            self.missing[-1] = MissingSpan(last.first, span.stop, span.cause, last.error_s)
        else:
            self.missing.append(span)


def _unwritable(error: OSError) -> OutputError:
    return OutputError(
        f"{tempfile.tempdir or 'TMPDIR'}: no temporary file can be written "
        f"({error.strerror or error}). "
        "Free some space there, or name another folder in TMPDIR."
    )
