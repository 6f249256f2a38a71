"""The command line: doors that parse, call one action and show. Imports nothing heavy until a command runs."""

from scheduler.cli.root import main

__all__ = ["main"]
