"""Constraints: the grammar of a format for engines that mask tokens while a model writes."""

from .constraint import Constraint, constrain

__all__ = ["Constraint", "constrain"]
