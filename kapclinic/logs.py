"""Log lines as JSON with an allow-list of keys, so that no health data can reach a log by a careless extra."""

import logging

import structlog
from structlog.types import EventDict, WrappedLogger

ALLOWED_KEYS = frozenset(
    {
        "event", "level", "logger", "timestamp", "exception", "stack_info",
        "job_id", "job_kind", "job_state", "attempt", "queue", "count", "seconds", "task", "status", "method", "route",
        "error_class",
    }
)  # fmt: skip


def drop_unlisted_keys(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Keep only the keys of ALLOWED_KEYS."""
    return {key: value for key, value in event.items() if key in ALLOWED_KEYS}


def formatter() -> logging.Formatter:
    """The formatter that every handler uses; structlog and standard records come out alike."""
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, drop_unlisted_keys, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            drop_unlisted_keys,
            structlog.processors.JSONRenderer(),
        ],
    )
