"""Constraints: the grammar of a format for engines that mask tokens while a model writes."""

from .constraint import Constraint, constrain
from .engine_vocabularies import llguidance_tokenizer
from .reports import ConstraintReport, Unenforced
from .scoring import Score, score

__all__ = ["Constraint", "ConstraintReport", "Score", "Unenforced", "constrain", "llguidance_tokenizer", "score"]
