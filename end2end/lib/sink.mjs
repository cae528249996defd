// An SMTP server that keeps the messages it receives, and replies as a scenario scripts it.

import { SMTPServer } from 'smtp-server';

import { until } from './assert.mjs';
import { certificate } from './tls.mjs';

/**
 * Starts a sink on a free port of 127.0.0.1 and stops it with the scenario.
 *
 * Options:
 *   tls    'none' (default), 'starttls' (offered; demanded before AUTH), or 'implicit'
 *   auth   { user, pass }: demands this login; without it none is offered
 *   size   the SIZE that is announced and enforced, in bytes
 *   port   a fixed port, to come back on it after stop()
 *   onConnect, onAuth, onMail, onRecipient, onData   see `Sink`
 */
export async function startSink(t, options = {}) {
  const sink = new Sink(options);
  await sink.start();
  t.after(() => sink.stop());
  return sink;
}

/**
 * The five hooks decide replies, and may be set or replaced at any time:
 *   onConnect(session), onAuth(credentials, session), onMail(address, session), onRecipient(address, session),
 *   onData(message): after the final dot, before the reply; the message is kept only when it is accepted.
 * A hook returns (or resolves to) nothing to go on as usual, or
 *   '550 5.1.1 No such user'   this reply; one of class 2 accepts (its text is given to onData's reply only)
 *   'drop'                     the connection is cut without a reply
 *   'hang'                     no reply ever comes, and the connection stays open
 */
class Sink {
  constructor({ tls = 'none', auth = null, size, port = 0, ...hooks }) {
    this.tls = tls;
    this.auth = auth;
    this.size = size;
    this.port = port;
    Object.assign(this, hooks);
    /** What was accepted, oldest first: { from, to, parameters, raw, text, session } */
    this.messages = [];
    /** Every command that reached a hook, in order: 'AUTH user', 'MAIL a@b', 'RCPT c@d', 'DATA'. */
    this.commands = [];
    /** How many connections were opened so far. */
    this.connections = 0;
  }

  async start() {
    const { key, cert } = await certificate();
    this.certificate = cert;
    this.server = new SMTPServer({
      key,
      cert,
      name: 'sink.test',
      banner: 'sink',
      logger: false,
      secure: this.tls === 'implicit',
      size: this.size,
      rejectOversized: true,
      authOptional: !this.auth,
      // Without TLS a login in the clear is what the scenario asked for.
      allowInsecureAuth: this.tls === 'none',
      disabledCommands: [...(this.auth ? [] : ['AUTH']), ...(this.tls === 'starttls' ? [] : ['STARTTLS'])],
      disableReverseLookup: true,
      closeTimeout: 100,
      socketTimeout: 10 * 60_000,
      onConnect: (session, done) => {
        this.connections += 1;
        this.#decide(this.onConnect?.(session), session, done);
      },
      onAuth: ({ username, password, method }, session, done) => {
        this.commands.push(`AUTH ${username}`);
        const right = username === this.auth.user && password === this.auth.pass;
        const verdict = this.onAuth?.({ username, password, method }, session) ?? (right ? undefined : '535 5.7.8 Authentication failed');
        this.#decide(verdict, session, (error) => (error ? done(error) : done(null, { user: username })));
      },
      onMailFrom: ({ address }, session, done) => {
        this.commands.push(`MAIL ${address}`);
        this.#decide(this.onMail?.(address, session), session, done);
      },
      onRcptTo: ({ address }, session, done) => {
        this.commands.push(`RCPT ${address}`);
        this.#decide(this.onRecipient?.(address, session), session, done);
      },
      onData: (stream, session, done) => {
        const chunks = [];
        stream.on('data', (chunk) => chunks.push(chunk));
        stream.on('end', () => {
          this.commands.push('DATA');
          const message = describe(Buffer.concat(chunks), session);
          this.#decide(this.onData?.(message), session, (error, text) => {
            if (!error && !stream.sizeExceeded) this.messages.push(message);
            done(error, text);
          });
        });
      },
    });
    // A client that goes away in the middle of something is what some scenarios are about.
    this.server.on('error', () => {});
    await new Promise((resolve, reject) => {
      this.server.server.once('error', reject);
      this.server.listen(this.port, '127.0.0.1', resolve);
    });
    this.port = this.server.server.address().port;
  }

  /** Closes the port and every connection. `start()` opens the same port again. */
  async stop() {
    const server = this.server;
    if (!server) return;
    this.server = null;
    const closed = new Promise((resolve) => server.close(resolve));
    this.#cutAll(server);
    await closed;
  }

  /** Cuts every open connection. New ones are accepted. */
  cutAll() {
    this.#cutAll(this.server);
  }

  /** Waits until `count` messages were accepted, and returns them. */
  async received(count, options) {
    await until(() => this.messages.length >= count, { what: `${count} messages at the sink`, ...options });
    return this.messages;
  }

  #cutAll(server) {
    for (const connection of server.connections) connection._socket?.destroy();
  }

  #decide(verdict, session, done) {
    Promise.resolve(verdict).then((answer) => {
      if (answer === undefined || answer === null) return done();
      if (answer === 'hang') return undefined;
      const connection = [...(this.server?.connections ?? [])].find(({ id }) => id === session.id);
      if (answer === 'drop') return connection?._socket?.destroy();
      const [, code, text] = /^(\d{3}) (.*)$/s.exec(answer) ?? [];
      if (!code) throw new Error(`a hook of the sink answered ${JSON.stringify(answer)}`);
      if (code.startsWith('2')) return done(null, text);
      done(Object.assign(new Error(text), { responseCode: Number(code) }));
      // RFC 5321, 3.8: a server that says 421 closes the connection.
      if (code === '421') setImmediate(() => connection?.close());
      return undefined;
    });
  }
}

function describe(raw, session) {
  const { mailFrom, rcptTo } = session.envelope;
  return {
    from: mailFrom ? mailFrom.address : '',
    to: rcptTo.map(({ address }) => address),
    parameters: (mailFrom && mailFrom.args) || {},
    raw,
    text: raw.toString('utf8'),
    session: { id: session.id, secure: session.secure, user: session.user ?? null, helo: session.hostNameAppearsAs },
  };
}
