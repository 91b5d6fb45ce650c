"""Judged values as others read them: messages of the wire, the flat form, a report, the catalogue of labels."""
