"""Options that are whole numbers, with errors in plain words."""

from typing import Any

import click


class WholeNumber(click.IntRange):
    """A whole number within bounds. Any other value is refused with a sentence that names the bounds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401 - click's
        """Convert the value. Raises click.BadParameter."""
        try:
            number = int(value)
        except ValueError:
            self.fail(f"{value!r} is not a whole number{self._bounds()}", param, ctx)
        if (self.min is not None and number < self.min) or (self.max is not None and number > self.max):
            self.fail(f"{number} is not a whole number{self._bounds()}", param, ctx)
        return number

    def _bounds(self) -> str:
        if self.max is not None:
            return f" from {self.min} to {self.max}"
        return "" if self.min is None else f" of {self.min} or more"
