"""Consonance's import workbooks: written exactly, handed to a person, read back."""
