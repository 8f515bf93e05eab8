"""Telling people: one notice, by every channel that has a connection (mail, Jira, Slack, Teams)."""
