// Binary data that Python sends as base64 text.

// Returns a Uint8Array.
export function decodeBytes(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

// `Kind` is a typed array class; its numbers are little-endian in the text.
export function decodeArray(base64, Kind) {
  return new Kind(decodeBytes(base64).buffer);
}
