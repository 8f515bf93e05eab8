"""Rights reports and contract extracts, and what was sold where no rights are held."""
