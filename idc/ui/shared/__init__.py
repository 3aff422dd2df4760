"""What all pages use: words, the address, pickers, links, figures."""
