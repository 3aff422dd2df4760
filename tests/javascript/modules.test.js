// All modules of the browser code: they load, they have no import cycles, and names are defined once.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import test from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

const UI = fileURLToPath(new URL("../../idc/ui", import.meta.url));

function javascriptFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return javascriptFiles(path);
    return path.endsWith(".js") ? [path] : [];
  });
}

const files = javascriptFiles(UI);
const importsOf = (file) =>
  [...readFileSync(file, "utf8").matchAll(/^(?:import|\}) [^;]*?from "([^"]+)";/gm)].map(
    ([, target]) => join(dirname(file), target),
  );

for (const file of files) {
  test(`${relative(UI, file)} loads with all its imports`, async () => {
    await import(pathToFileURL(file));
  });
}

test("no module imports itself in a cycle", () => {
  const finished = new Set();
  const visit = (file, path) => {
    assert.ok(!path.includes(file), `cycle: ${[...path, file].map((f) => relative(UI, f))}`);
    if (finished.has(file)) return;
    importsOf(file).forEach((target) => visit(target, [...path, file]));
    finished.add(file);
  };
  files.forEach((file) => visit(file, []));
});

test("no file has more than 400 lines", () => {
  const long = files.filter((file) => readFileSync(file, "utf8").split("\n").length > 401);
  assert.deepEqual(long, []);
});
