"""You against the CNN: rules, rounds, scores."""
