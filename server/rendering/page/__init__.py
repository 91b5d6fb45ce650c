"""The report of recordings as one self-contained HTML page, to be read, printed and passed on."""
