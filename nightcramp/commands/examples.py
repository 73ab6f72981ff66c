"""Examples at the end of a command's help."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Command = TypeVar("Command", bound="Callable[..., None]")


def with_examples(examples: str) -> Callable[[Command], Command]:
    """Add lines to a command's help that are shown as they stand."""

    def add(command: Command) -> Command:
        text = inspect.cleandoc(command.__doc__ or "")
        # \b keeps the help formatter from joining the lines that follow.
        command.__doc__ = f"{text}\n\n\b\nExamples:\n" + examples.strip("\n")
        return command

    return add
