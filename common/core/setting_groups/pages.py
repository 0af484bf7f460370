"""What the pages are called and look like, and at which addresses and from whose pages the service is used."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.ASCII)
"""RFC 6454 section 6.2, as browsers send it."""

_HOST = re.compile(r"[a-z0-9.-]+|\[[0-9a-f:.]+\]", re.ASCII)
_ROOT_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+", re.ASCII)
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)
_LONGEST_TITLE = 60


def _origins(text: str) -> str:
    for origin in _listed(text):
        if not _ORIGIN.fullmatch(origin):
            raise ValueError("must be origins such as https://game.example, in lower case, without a path")
    return text


def _hosts(text: str) -> str:
    for host in _listed(text):
        if not _HOST.fullmatch(host):
            raise ValueError("must be host names such as scores.example, in lower case, without a port")
    return text


def _root_path(text: str) -> str:
    if text and not _ROOT_PATH.fullmatch(text):
        raise ValueError("must be a path such as /board: it begins with a slash and does not end with one")
    return text


def _title(text: str) -> str:
    if not text.isprintable() or len(text) > _LONGEST_TITLE:
        raise ValueError(f"must have at most {_LONGEST_TITLE} characters, and none that controls anything")
    return text


def _colour(text: str) -> str:
    if not _COLOUR.fullmatch(text):
        raise ValueError("must be a colour such as #8a1c5a")
    return text


def _listed(text: str) -> list[str]:
    return text.replace(",", " ").split()


Hosts = Annotated[str, AfterValidator(_hosts)]
Origins = Annotated[str, AfterValidator(_origins)]
RootPath = Annotated[str, AfterValidator(_root_path)]
Title = Annotated[str, AfterValidator(_title)]
Accent = Annotated[str, AfterValidator(_colour)]


class Pages(BaseModel):
    """The pages and their addresses."""

    root_path: RootPath = Field(
        "",
        alias="SCOREBOARD_ROOT_PATH",
        description="The path below which a proxy shows the service, such as `/board`. Empty: the root of its host.",
    )
    allowed_origins: Origins = Field(
        "",
        alias="SCOREBOARD_ALLOWED_ORIGINS",
        description="Further origins, separated by spaces or commas, whose pages may call the API and open the live "
        "socket: `https://game.example https://www.game.example`.",
    )
    title: Title = Field("Scoreboard", alias="SCOREBOARD_TITLE", description="What the pages call the service.")
    logo: Path | None = Field(
        None, alias="SCOREBOARD_LOGO", description="A picture for the pages: a file in SVG or PNG of at most 256 KiB."
    )
    accent: Accent | None = Field(
        None, alias="SCOREBOARD_ACCENT", description="The colour of links and buttons on the pages: `#8a1c5a`."
    )
    play: Literal["on", "off"] = Field(
        "on", alias="SCOREBOARD_PLAY", description="`off`: the pages only show, without a form and buttons."
    )
    allowed_hosts: Hosts = Field(
        "",
        alias="SCOREBOARD_ALLOWED_HOSTS",
        description="Host names that requests may be addressed to, with spaces or commas between them. Default: any.",
    )

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset(_listed(self.allowed_hosts))

    @property
    def further_origins(self) -> frozenset[str]:
        return frozenset(_listed(self.allowed_origins))
