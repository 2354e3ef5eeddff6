"""Records shown to a tracker, by a process of its own: ``python -m harness.mirror``.

A tracker may fail, hang, or keep a process from ending. In a process of its own it can do all of that without
holding up training or a command, and it can be ended. What it shows comes from records alone, so whatever was
missed is shown the next time.
"""
