"""A run's saved predictions: results, comparisons, published work, doubtful labels."""
