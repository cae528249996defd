// Comparing the messages that were answered `queued` with those that arrived.

import { assert, until } from './assert.mjs';

/** The public id of the message, from its Message-ID header. */
function idOf(message) {
  const [, id] = /^Message-ID:\s*<(eml_[a-z0-9]{24})@/im.exec(message.text) ?? assert.fail(`no Message-ID:\n${message.text.slice(0, 2_000)}`);
  return id;
}

/**
 * Waits until everything that was answered `queued` (a Map from numbers to ids) is at the sinks. Returns
 *   firsts   how many of these messages arrived
 *   copies   a Map from the ids of the messages that arrived more often than once to how often they did
 */
export async function arrivals(sinks, answered, options) {
  const counts = new Map();
  const list = [sinks].flat();
  const seen = list.map(() => 0);
  const count = () => {
    list.forEach((sink, place) => {
      for (; seen[place] < sink.messages.length; seen[place] += 1) {
        const id = idOf(sink.messages[seen[place]]);
        counts.set(id, (counts.get(id) ?? 0) + 1);
      }
    });
  };
  const missing = () => {
    count();
    return [...answered.values()].filter((id) => !counts.has(id));
  };
  await until(() => missing().length === 0, { interval: 100, what: 'everything that was answered queued has arrived', ...options }).catch((error) => {
    const never = missing();
    throw new Error(`${never.length} of ${answered.size} messages that were answered queued did not arrive: ${never.slice(0, 10)}`, { cause: error });
  });
  return {
    firsts: answered.size,
    /** Counted when it is asked for: a copy may still come. */
    get copies() {
      count();
      return new Map([...counts].filter(([, times]) => times > 1));
    },
  };
}

/** Waits until nothing waits or is being sent any more, and at least `count` messages were sent. */
export async function settled(dashboard, count, options) {
  await until(
    async () => {
      const { counts } = await dashboard.overview();
      if (counts.waiting + counts.sending === 0 && counts.sent >= count) return true;
      throw new Error(JSON.stringify(counts));
    },
    { interval: 200, what: 'nothing waits any more', ...options },
  );
}

/**
 * The copies for which there is no reason: at-least-once delivery allows one more for every attempt whose outcome was not
 * known, and no other.
 */
export async function explainCopies(dashboard, copies) {
  const unexplained = [];
  for (const [id, times] of copies) {
    const { attempts } = await dashboard.message(id);
    const unknown = attempts.filter((attempt) => attempt.class === 'Unknown').length;
    if (times > 1 + unknown) unexplained.push({ id, times, attempts: attempts.map((attempt) => attempt.class) });
  }
  return unexplained;
}
