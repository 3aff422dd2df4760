"""Download from Kaggle, check, pack."""
