"""What the page compare draws."""
