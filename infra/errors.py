"""Errors that a command ends with: one clear line for the operator, no traceback."""


class CommandFailed(Exception):  # noqa: N818  named for what it says, as all our errors are
    """The command could not do what it was asked; the message is that line (exit 1)."""


class CommandMisused(Exception):  # noqa: N818  named for what it says, as all our errors are
    """What was asked makes no sense; the message says why (exit 2)."""
