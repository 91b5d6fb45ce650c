"""CLAP: the scorer that compares how a window sounds with what a label says. Nothing here imports torch at once."""
