"""What a person, or a program, is told while a night is recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from firmware_bridge.link import explain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firmware_bridge.link import LinkEvent
    from nightcramp.recorder.figures import FoundEpisode, NightFigures


@dataclass(frozen=True, slots=True)
class Message:
    """Something that happened.

    Attributes
    ----------
    kind : str
        ``link``, ``episode``, ``mark``, ``check``, ``disk``, ``journal``, ``night``.
    wall_ns : int
        Nanoseconds since 1970-01-01 UTC.
    text : str
        For people.
    fields : mapping
        For programs.
    """

    kind: str
    wall_ns: int
    text: str
    fields: Mapping[str, object] = field(default_factory=dict)


class Screen(Protocol):
    """Shows a night to whoever looks."""

    def tell(self, message: Message) -> None:
        """Show that something happened."""
        ...

    def show(self, figures: NightFigures) -> None:
        """Show how the night stands."""
        ...


def link_message(event: LinkEvent, who: str) -> Message:
    """Say what the link did."""
    said = explain(event.cause) if event.cause else ""
    detail = f"({event.detail})" if event.detail else ""
    text = " ".join(filter(None, (f"{who}: {event.state.replace('_', ' ')}.", said, detail)))
    return Message("link", event.wall_ns, text, {"sensor": who, **link_content(event)})


def link_content(event: LinkEvent) -> dict[str, object]:
    """Return what the journal keeps of a link event."""
    return {
        "state": str(event.state),
        "cause": str(event.cause) if event.cause else None,
        "detail": event.detail,
        "attempt": event.attempt,
        "name": event.name,
        "address": event.address,
    }


def episode_message(found: FoundEpisode, who: str, wall_ns: int) -> Message:
    """Say which episode was found."""
    event = found.event
    kind = event.kind.replace("_", " ")
    fields = {
        "sensor": who,
        "trial_type": str(event.kind),
        "onset_ns": found.onset_ns,
        "onset_s": round(event.onset_s, 3),
        "duration_s": round(event.duration_s, 3),
        "confidence": event.confidence,
        "censored": str(event.censored),
    }
    text = f"{who}: {kind} of {event.duration_s:.0f} s"
    return Message("episode", wall_ns, text, fields)
