"""What the page leakage draws."""
