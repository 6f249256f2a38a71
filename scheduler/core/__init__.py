"""The core: arithmetic on values. No database, file, clock, network, log, random number or environment."""
