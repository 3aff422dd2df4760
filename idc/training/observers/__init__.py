"""What a training writes and obeys, one observer per job, in the manner of `keras.callbacks`."""
