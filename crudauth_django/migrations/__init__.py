"""The table of the counters."""
