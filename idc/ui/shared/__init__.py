"""What all pages use: formatting, the address, pickers, links and figures."""
