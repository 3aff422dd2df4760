"""Whether a data set holds enough of both classes to be split at all."""

import numpy as np

from idc.errors import SplitError
from idc.patches import CLASS_NAMES


def check_class_counts(
    labels: np.ndarray,
    cases: np.ndarray,
    protocol: str,
    class_names: tuple[str, str] = CLASS_NAMES,
) -> None:
    """Refuse data that no seed and no number of patches splits into parts with both classes.

    Args:
        labels: {0, 1} of the whole store, shape (n,).
        cases: shape (n,).
        protocol: a key of `idc.datasets.splits.PROTOCOLS`.
        class_names: of the negative and the positive class.

    Raises:
        SplitError: there is one class only, or too little of one for training and validation.
    """
    present = np.unique(labels).tolist()
    if len(present) == 1:
        raise SplitError(
            f"The data set holds {class_names[present[0]]} patches only; training needs at least "
            f"two of each class, so pack {class_names[1 - present[0]]} patches too."
        )
    for label, name in enumerate(class_names):
        of_class = labels == label
        if protocol == "random" and of_class.sum() == 1:
            raise SplitError(
                f"The data set holds 1 {name} patch, but training and validation need one each; "
                f"pack more {name} patches."
            )
        if protocol == "case-disjoint" and len(np.unique(cases[of_class])) == 1:
            raise SplitError(
                f"All {name} patches are of one case, but training and validation need a case "
                f"with {name} patches each; pack more cases."
            )
