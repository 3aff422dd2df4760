"""The HTML report and the table of predictions."""
