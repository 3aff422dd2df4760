// The frames of a watched slide that its viewer and its time slider share, by name. The frames come
// with the slider alone, so that a new one does not send the picture again.

// `at` is the number of the frame that is shown; -1 as long as there is none.
function filmOf(name) {
  const films = (globalThis.idcFilms ??= new Map());
  if (!films.has(name)) films.set(name, { at: -1, frames: [], followers: new Set() });
  return films.get(name);
}

function showFrame(film, at) {
  film.at = at;
  for (const draw of film.followers) draw(film);
}

// Calls `draw(film)` at once and after each change. Returns how to stop.
function followFilm(film, draw) {
  film.followers.add(draw);
  draw(film);
  return () => film.followers.delete(draw);
}

// Levels of 254, as `idc.watching` writes them, to probabilities; 255 is no answer.
function frameValues(base64) {
  const levels = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
  return Float32Array.from(levels, (level) => (level === 255 ? NaN : (level + 0.5) / 254));
}
