"""The addresses that programs listen on, how many processes they have, and what they log."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

Port = Annotated[int, Field(ge=1, le=65535)]


class Processes(BaseModel):
    """The programs of an installation."""

    host: str = Field("127.0.0.1", alias="SCOREBOARD_HOST", description="Address the web server listens on.")
    port: Port = Field(8000, alias="SCOREBOARD_PORT", description="Port of the API, the page and the live socket.")
    metrics_port: Port = Field(9100, alias="SCOREBOARD_METRICS_PORT", description="Internal port of /metrics.")
    worker_metrics_port: Port | None = Field(
        None,
        alias="SCOREBOARD_WORKER_METRICS_PORT",
        description="A worker's own /metrics, where it shares no PROMETHEUS_MULTIPROC_DIR with a web process.",
    )
    metrics_host: str = Field("127.0.0.1", alias="SCOREBOARD_METRICS_HOST", description="Address of /metrics.")
    metrics_hours: int = Field(
        24,
        ge=1,
        le=168,
        alias="SCOREBOARD_METRICS_HOURS",
        description="Hours of metrics that Redis keeps for the dashboard: up to 6 MB a day for each machine.",
    )
    flower_port: Port = Field(5555, alias="SCOREBOARD_FLOWER_PORT", description="Flower's port.")
    flower_host: str = Field("127.0.0.1", alias="SCOREBOARD_FLOWER_HOST", description="Flower's address.")
    web_processes: int = Field(2, ge=1, le=256, alias="SCOREBOARD_WEB_PROCESSES", description="Web processes.")
    worker_processes: int = Field(
        1, ge=1, le=256, alias="SCOREBOARD_WORKER_PROCESSES", description="Processes of one Celery worker."
    )
    trusted_proxies: int = Field(
        0, ge=0, le=10, alias="SCOREBOARD_TRUSTED_PROXIES", description="How many proxies' X-Forwarded-For to believe."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto",
        alias="SCOREBOARD_LOG_FORMAT",
        description="`json`, or `console` for people; `auto`: `console` on a terminal, `json` elsewhere.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", alias="SCOREBOARD_LOG_LEVEL", description="Least severity that is logged."
    )
