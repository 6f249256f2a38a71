"""The tests; they mirror `scheduler/`."""
