"""What a report is made of, whatever its container: sheets of rows of cells, as text, with every digit as written.

`opened.opened` opens a file (text, XLSX, XLS, XML, or such in ZIP and gzip) and gives its sheets.
"""
