// Scores from the counts of a confusion matrix, as in `idc.metrics.scores`. Both are held to
// tests/data/worked_cases.json.

// NaN where a score is undefined: sensitivity without positive patches, specificity without
// negative ones, balanced accuracy without both, precision when nothing is predicted positive.
export function scoresFromCounts({ tn, fp, fn, tp }) {
  const sensitivity = tp / (tp + fn);
  const specificity = tn / (tn + fp);
  return {
    balanced_accuracy: (sensitivity + specificity) / 2,
    sensitivity,
    specificity,
    precision: tp / (tp + fp),
    f1: (2 * tp) / (2 * tp + fp + fn),
    accuracy: (tp + tn) / (tn + fp + fn + tp),
  };
}
