"""A run's saved answers: results, comparisons, published work, doubtful labels."""
