"""Ask a run's model, explain an answer, warn about unfamiliar images."""
