"""The slide viewer and its use on a case of a data set."""
