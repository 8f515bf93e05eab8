"""Files out: what belongs into a package, whether it is right, what it is called, and its manifest."""
