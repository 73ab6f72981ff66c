"""EMG of one sensor and acceleration of another, worn together: one recording on one grid.

Both sensors are heard by the same host, so its clock joins them: the time of each sample by the
clock fitted to its own sensor, and from there to the count of the EMG. Each fitted clock is late by
the delay of its promptest notifications, 1 to 3 ms, and at worst, for some minutes, by one
connection interval (30 to 50 ms); the two streams are off by the difference of the two. A sample of
acceleration lasts 10 to 40 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware_bridge.assembly import Assembler

if TYPE_CHECKING:
    from firmware_bridge.assembly_items import Item
    from firmware_bridge.packets import Notification
    from firmware_bridge.spec import DeviceSpec


class Companion:
    """Two assemblers with one timeline: that of the EMG.

    What arrived is to be told in the order of the host's monotonic clock, of both sensors
    together. Link events go to the sensor they concern: ``companion.acc.lost(...)``.

    Parameters
    ----------
    emg, acc : DeviceSpec
        The sensor whose EMG, and the one whose acceleration is taken.
    """

    def __init__(self, emg: DeviceSpec, acc: DeviceSpec) -> None:
        self.emg = Assembler(emg, only="emg")
        self.acc = Assembler(acc, only="acc", timeline=self.emg.timeline)

    def push_emg(self, notification: Notification) -> list[Item]:
        """Take what the EMG sensor sent."""
        items = self.emg.push(notification)
        if self.acc.timeline is not self.emg.timeline:
            items += self.acc.begin_run(self.emg.timeline)
        self.acc.wait(notification.monotonic_ns)
        return items

    def push_acc(self, notification: Notification) -> list[Item]:
        """Take what the other sensor sent."""
        return self.acc.push(notification)

    def finish(self) -> list[Item]:
        """End the recording; both streams are filled up to the end of the longer one."""
        items = self.emg.flush() + self.acc.flush()
        end_s = max(self.emg.end_s, self.acc.end_s)
        return items + self.emg.finish(end_s) + self.acc.finish(end_s)
