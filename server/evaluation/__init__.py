"""How good the judgement is on recordings whose truth is known: figures, fitted curves, a report."""
