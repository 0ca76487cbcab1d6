"""Batch evaluation: sets of segments, systems, scores and whether their differences are real."""

from retranslate.evaluation.scoring import Evaluation, Scores, SystemScores
from retranslate.evaluation.sets import EvaluationSegment, read_parallel, read_set
from retranslate.evaluation.systems import System

__all__ = ["Evaluation", "EvaluationSegment", "Scores", "System", "SystemScores", "read_parallel", "read_set"]
