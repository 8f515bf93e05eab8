"""The rules that a record must meet before it goes to a partner: one small function per code, sorted by what they look at."""
