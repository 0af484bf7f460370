"""Text for terminals and logs: what could move a cursor, forge a line or turn the reading order is shown as an escape.

Pure. A login name, a header or an error's text may hold anything; a line that shows it may not do anything.
"""


def escaped(text: str) -> str:
    """Return the text with each control, format, line-separating or unpaired character escaped, such as `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def escaped_lines(text: str, margin: str = "") -> str:
    """Return a text of several lines, such as a traceback, with each line escaped and indented by `margin`."""
    return "\n".join(f"{margin}{escaped(line)}" for line in text.split("\n"))


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
