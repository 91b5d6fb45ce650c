"""Frozen values that cross rooms, by subject. No behaviour beyond what follows from the fields themselves.

Time is a sample index of the declared input rate; seconds only in names that end in ``_s`` or ``_ms``.
"""
