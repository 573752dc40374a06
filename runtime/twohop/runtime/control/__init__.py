"""The control plane: a port of its own on which a test, in any language, moves the clock and reads the journal."""

from ._app import ControlApp, ControlledWorld, UnknownWorld, WorldKeeper

__all__ = ["ControlApp", "ControlledWorld", "UnknownWorld", "WorldKeeper"]
