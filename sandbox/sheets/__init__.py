"""Seasonal sheets of editorial, as people send them: most rows right, some news, some new titles, some slips of the pen."""
