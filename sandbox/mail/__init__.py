"""A make-believe mail server: it takes every mail and keeps it as a file."""
