"""Create, start, queue, fork and repeat runs; folds; how long it will take."""
