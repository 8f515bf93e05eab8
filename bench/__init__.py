"""Measurements against named peers, as ratios within one run. Nothing here is a test: machines differ, ratios last longer."""
