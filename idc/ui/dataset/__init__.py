"""What the page dataset draws."""
