"""What werkzeug compiles of each route, once for all applications of a process: it is most of what making one takes."""

from collections.abc import Callable

from werkzeug.routing import Rule

Builder = Callable[..., tuple[str, str]]

_builders: dict[tuple[object, ...], Builder] = {}
of_werkzeug = Rule._compile_builder


def builder_of(rule: Rule, append_unknown: bool = True) -> Builder:
    """Return a function that builds addresses. It gets the rule as an argument, and has what is the key here in it."""
    key = (rule.rule, *rule._trace, repr(rule.defaults), append_unknown)
    if key not in _builders:
        _builders[key] = of_werkzeug(rule, append_unknown)
    return _builders[key]


def compile_once() -> None:
    """Let applications that are made from now on share what is the same in each of them."""
    setattr(Rule, "_compile_builder", builder_of)  # noqa: B010 - it is no assignment to a method for mypy
