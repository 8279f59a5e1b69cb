"""Errors that a command ends with: one clear line for the operator, no traceback."""


class CommandFailed(Exception):
    """The command could not do what it was asked; the message is that line (exit 1)."""


class CommandMisused(Exception):
    """What was asked makes no sense; the message says why (exit 2)."""
