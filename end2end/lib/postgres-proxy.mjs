// A proxy in front of PostgreSQL that cuts connections at their commits.

import { connect, createServer } from 'node:net';

/**
 * Starts a proxy for the database at `url`. Returns a proxy with its own `url`, and
 *   cut       decides about each COMMIT, by its number since the start: 'before' cuts the connection instead of passing it
 *             on, 'in' right after passing it on, 'after' once the server has answered it, and anything else lets it be
 *   away()    cuts every connection and refuses new ones, until back() is called
 *   cuts      how many connections were cut so far
 *   commits   how many commits were seen so far
 */
export async function startProxy(t, url) {
  const target = new URL(url);
  const open = new Set();
  let isAway = false;
  const proxy = {
    cut: () => null,
    cuts: 0,
    commits: 0,
    away() {
      isAway = true;
      for (const socket of open) socket.destroy();
    },
    back() {
      isAway = false;
    },
  };
  const server = createServer((client) => {
    if (isAway) return client.destroy();
    const database = connect({ host: target.hostname, port: Number(target.port || 5432) });
    const both = [client, database];
    const end = () => both.forEach((socket) => socket.destroy());
    for (const socket of both) {
      open.add(socket);
      socket.setNoDelay(true).on('error', end).on('close', () => {
        open.delete(socket);
        end();
      });
    }
    let answerIsCut = false;
    let started = false;
    let rest = Buffer.alloc(0);
    client.on('data', (data) => {
      rest = Buffer.concat([rest, data]);
      for (;;) {
        // Before the session stands, messages have a length and no type; a request for TLS has code 80877103.
        const header = started ? 1 : 0;
        if (rest.length < header + 4) return;
        const length = header + rest.readInt32BE(header);
        if (rest.length < length) return;
        const message = rest.subarray(0, length);
        rest = rest.subarray(length);
        if (!started) {
          started = message.readInt32BE(4) !== 80877103;
          database.write(message);
          continue;
        }
        const isCommit = message[0] === 0x51 && /^commit\b/i.test(message.toString('utf8', 5));
        const how = isCommit ? proxy.cut((proxy.commits += 1)) : null;
        if (how) proxy.cuts += 1;
        if (how === 'before') return end();
        if (how === 'after') answerIsCut = true;
        if (how === 'in') return database.write(message, end);
        database.write(message);
      }
    });
    database.on('data', (data) => {
      if (answerIsCut) return end();
      client.write(data);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  const own = new URL(url);
  own.hostname = '127.0.0.1';
  own.port = String(server.address().port);
  proxy.url = own.href;
  return proxy;
}
