"""A make-believe Jira: projects, issues, comments, a search that may lag behind."""
