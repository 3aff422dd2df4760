"""What the scores are called and mean, in the order of their weight."""

from collections.abc import Mapping

SCORES: Mapping[str, tuple[str, str]] = {
    "balanced_accuracy": ("Balanced accuracy", "mean of sensitivity and specificity; 0.5 guesses"),
    "sensitivity": ("Sensitivity", "share of the IDC-positive patches found"),
    "specificity": ("Specificity", "share of the IDC-negative patches recognised"),
    "roc_auc": ("ROC AUC", "how often a positive patch gets the higher probability of a pair"),
    "f1": ("F1 of the IDC class", "harmonic mean of precision and sensitivity"),
    "precision": ("Precision", "share of the patches called positive that are so"),
    "accuracy": ("Accuracy", "share of right answers"),
    "average_precision": ("Average precision", "mean precision over the positive patches"),
    "brier": ("Brier score", "mean squared error of the probability; lower is better"),
    "calibration_error": (
        "Calibration error",
        "mean distance of probability and share of positives; lower is better. Drawing cases again "
        "tends to raise it, so its interval lies high",
    ),
}


def baseline(negatives: float) -> str:
    """What belongs next to every accuracy.

    Args:
        negatives: share of IDC-negative patches, [0, 1].
    """
    return f"answering 'negative' every time would score {negatives:.3f}"
