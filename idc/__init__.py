"""IDC Lab: explore, train and explain CNNs on breast-histopathology patches."""

__version__ = "0.1.0"
