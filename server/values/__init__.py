"""Frozen values shared between packages, by subject. They have no behaviour beyond what follows from their fields.

Time is a sample index of the declared input rate; seconds only in names that end in ``_s`` or ``_ms``.
"""
