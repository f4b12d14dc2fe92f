"""One step of many: each row by itself, so that a bad one keeps none of the others from their time."""

import logging
from collections.abc import Callable
from uuid import UUID

logger = logging.getLogger(__name__)


def alone(step: Callable[[UUID], bool], row_id: UUID) -> bool:
    """Do one step for one row and say whether it changed something; what fails is logged and tried again next time."""
    try:
        return step(row_id)
    except Exception:
        logger.exception("%s of %s failed, the next tick tries again", step.__name__, row_id)
        return False
