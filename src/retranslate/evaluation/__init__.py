"""Batch evaluation: sets of segments, systems, scores and whether their differences are real."""

from retranslate.evaluation.scoring import Evaluation, Scores, SystemScores
from retranslate.evaluation.sets import EvaluationSegment, read_set

__all__ = ["Evaluation", "EvaluationSegment", "Scores", "SystemScores", "read_set"]
