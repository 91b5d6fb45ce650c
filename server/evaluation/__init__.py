"""Measures the judgement on recordings whose truth is known: figures, fitted curves, a report."""
