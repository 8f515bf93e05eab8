"""Colophon's pages inside Airflow: what was sent to whom, when, and why not. Behind Airflow's own log-in."""
