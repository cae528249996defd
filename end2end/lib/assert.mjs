// Assertions: node's strict ones, and waiting for something to become true.

import assert from 'node:assert/strict';

export { assert };

/**
 * Waits until `probe` returns something truthy without throwing, and returns that. Fails with the last error or value
 * after `timeout` milliseconds; `what` says in the failure what was waited for.
 */
export async function until(probe, { timeout = 10_000, interval = 25, what = probe.toString() } = {}) {
  const deadline = performance.now() + timeout;
  let last;
  for (;;) {
    try {
      last = await probe();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      const seen = last instanceof Error ? last.message : JSON.stringify(last);
      throw new Error(`still not so after ${timeout} ms: ${what} (last: ${seen})`, { cause: last });
    }
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
}
