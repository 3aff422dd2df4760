"""What the page home draws."""
