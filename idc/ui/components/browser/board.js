// The predictions that the pieces of Evaluate share, and the threshold on them. Each piece follows
// the board of its name, so a move of the slider reaches all of them without leaving the browser.

function boardOf(name) {
  const boards = (globalThis.idcBoards ??= new Map());
  if (!boards.has(name)) {
    boards.set(name, { content: "", cases: [], threshold: null, followers: new Set(), frame: 0 });
  }
  return boards.get(name);
}

// `data` as `idc.ui.board.board_data` makes it: probabilities sorted by case, label and size.
function loadBoard(board, data) {
  if (board.content === data.content) return;
  board.content = data.content;
  const bytes = Uint8Array.from(atob(data.probabilities), (sign) => sign.charCodeAt(0));
  const probabilities = new Float32Array(bytes.buffer);
  let start = 0;
  const next = (count) => probabilities.subarray(start, (start += count));
  board.cases = data.cases.map(([number, negatives, positives]) => ({
    number,
    negatives: next(negatives),
    positives: next(positives),
  }));
  board.threshold = null; // What was counted is void.
}

function setThreshold(board, threshold) {
  if (board.threshold === threshold) return;
  board.threshold = threshold;
  board.byCase = board.cases.map((one) => countsAt(one, threshold));
  board.all = board.byCase.reduce(added, { tn: 0, fp: 0, fn: 0, tp: 0 });
  // Several moves between two frames are drawn once.
  board.frame ||= requestAnimationFrame(() => {
    board.frame = 0;
    for (const draw of board.followers) draw(board);
  });
}

// Calls `draw(board)` at once, if there is a threshold, and after each move. Returns how to stop.
function follow(board, draw) {
  board.followers.add(draw);
  if (board.threshold !== null) draw(board);
  return () => board.followers.delete(draw);
}

function countsAt({ negatives, positives }, threshold) {
  const fp = atLeast(negatives, threshold);
  const tp = atLeast(positives, threshold);
  return { tn: negatives.length - fp, fp, fn: positives.length - tp, tp };
}

// How many numbers of an ascending array are at or above a threshold: a binary search.
function atLeast(ascending, threshold) {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] < threshold) low = middle + 1;
    else high = middle;
  }
  return ascending.length - low;
}

// The scores of `idc.case_scores.AT_THRESHOLD`; NaN where undefined, as there.
function scoresOf({ tn, fp, fn, tp }) {
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

function added(sum, one) {
  return { tn: sum.tn + one.tn, fp: sum.fp + one.fp, fn: sum.fn + one.fn, tp: sum.tp + one.tp };
}
