"""Layouts of data sets other than the Kaggle set's: what files mean, before they are packed."""
