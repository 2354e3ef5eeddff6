"""Experiment-tracking benchmark harness for few-shot prompt learning on CLIP."""

__version__ = "0.1.0"
