"""`make demo`: the sandbox, Airflow on this machine alone, every feed through its scheduler, and what came of it."""
