"""Architectures, Keras models, weights, devices; what a layer sees."""
