"""All process managers of this release; a new one begins at the head of the log when `migrate` meets it."""

from infra.reactions import predictions, severe_side_effects
from infra.reactions.process_manager import ProcessManager

MANAGERS: dict[str, ProcessManager] = {
    manager.name: manager for manager in (severe_side_effects.MANAGER, predictions.HORIZONS, predictions.NEWS)
}
