"""How ready a title is: one definition for reports, packages, launch gates and pages."""
