"""What the page labels draws."""
