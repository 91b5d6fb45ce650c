"""Several processes that serve one port of one machine: ``tingqing serve --workers N``.

``supervisor`` starts them and restarts one that died. Each worker is a whole server. ``routing`` brings a socket to the
worker that has its session (``relay``), ``asking`` asks the others, ``listening`` answers them. ``board`` holds what
all count together, ``control`` is the line to the supervisor. docs/decisions/0029 says why.
"""
