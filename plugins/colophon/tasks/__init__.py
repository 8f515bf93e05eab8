"""Tasks that flows are made of: thin shells that open connections, call `include`, and give back small facts."""
