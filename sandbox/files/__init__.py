"""Files as authors, typesetters, agencies and solicitors would send them, made for a title of the sandbox's catalogue.

The same order makes the same bytes. `python -m sandbox.files` makes one by hand; `POST /sandbox/drop` puts it where its sender would.
"""
