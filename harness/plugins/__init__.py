"""Plug-ins: modules of other people, with tables that look like the harness's own.

A module is a file, which a matrix names, or belongs to an installed package, which names it by an entry point.
Here modules are found, imported and told apart; what may stand in a table, each room says of its own.
"""
