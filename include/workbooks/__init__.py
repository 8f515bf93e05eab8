"""Consonance's import workbooks: written exactly, handed to a person, confirmed, read back."""
