import assert from "node:assert/strict";
import test from "node:test";

import { mountable } from "../../idc/ui/components/browser/mounting.js";

function recorder() {
  const events = [];
  const mount = mountable(({ data }) => {
    events.push(`draw ${data}`);
    return () => events.push(`end ${data}`);
  });
  return { events, mount };
}

test("the cleanup of the latest call ends the component", () => {
  const { events, mount } = recorder();
  mount({ data: 1, parentElement: { isConnected: true } })();
  assert.deepEqual(events, ["draw 1", "end 1"]);
});

test("the cleanup of an earlier call ends nothing", () => {
  const { events, mount } = recorder();
  const parentElement = { isConnected: true };
  const endFirst = mount({ data: 1, parentElement });
  mount({ data: 2, parentElement });
  endFirst();
  assert.deepEqual(events, ["draw 1", "draw 2"]);
});

test("a component that was unmounted while it was loading is not drawn", () => {
  const { events, mount } = recorder();
  assert.equal(mount({ data: 1, parentElement: { isConnected: false } }), undefined);
  assert.deepEqual(events, []);
});

test("a component without cleanup can be unmounted", () => {
  mountable(() => undefined)({ data: 1, parentElement: { isConnected: true } })();
});
