// Amazon SES: the emulator, behind a proxy that can refuse in Amazon's words, delay an answer, and record requests.

import { once } from 'node:events';
import http from 'node:http';

import { until } from './assert.mjs';
import { freePort } from './process.mjs';

/** Starts one; `url` is the address of its API. It is stopped with the scenario. */
export async function startSes(t) {
  process.env.AWS_SES_ACCOUNT = JSON.stringify({
    DedicatedIpAutoWarmupEnabled: false,
    Details: {
      AdditionalContactEmailAddresses: [],
      ContactLanguage: 'EN',
      MailType: 'TRANSACTIONAL',
      ReviewDetails: { CaseId: '1', Status: 'GRANTED' },
      UseCaseDescription: 'tests',
      WebsiteURL: 'https://example.com',
    },
    EnforcementStatus: 'HEALTHY',
    ProductionAccessEnabled: true,
    SendingEnabled: true,
    SendQuota: { Max24HourSend: 50_000, MaxSendRate: 14, SentLast24Hours: 12 },
    SuppressionAttributes: { SuppressedReasons: [] },
  });
  const { default: start } = await import('aws-ses-v2-local');
  const port = await freePort();
  const emulator = await (start.default ?? start)({ port, host: '127.0.0.1' });
  t.after(() => emulator.close?.());
  // What it keeps, it keeps for the whole process: the scenario before may have used it too.
  await fetch(`http://127.0.0.1:${port}/clear-store`, { method: 'POST' });
  const ses = new Ses(port);
  await ses.listen();
  t.after(() => ses.close());
  return ses;
}

class Ses {
  #port;
  #front;
  #refusal = null;
  #held = null;

  constructor(port) {
    this.#port = port;
    /** What SendEmail was asked for, by the id that SES gave the message: { tags, configurationSet, to }. */
    this.sends = new Map();
    this.#front = http.createServer((request, response) => this.#pass(request, response).catch(() => response.destroy()));
  }

  async listen() {
    this.#front.listen(0, '127.0.0.1');
    await once(this.#front, 'listening');
    this.url = `http://127.0.0.1:${this.#front.address().port}`;
  }

  close() {
    this.release();
    this.#front.closeAllConnections();
    this.#front.close();
  }

  /** The messages that it took, oldest first. */
  async store() {
    return (await (await fetch(`http://127.0.0.1:${this.#port}/store`)).json()).emails;
  }

  /** Waits for a message with this subject, and returns it. */
  taken(subject, options) {
    const found = async () => (await this.store()).find((mail) => mail.subject === subject);
    return until(found, { what: `SES took: ${subject}`, ...options });
  }

  /** Answers every request to send with this from now on; with null as usual. */
  refuseWith(status, type, message) {
    this.#refusal = status && { status, type, message };
  }

  /** Takes messages, and keeps its answers back until `release()`. */
  hold() {
    this.#held = [];
  }

  release() {
    const held = this.#held ?? [];
    this.#held = null;
    held.forEach((answer) => answer());
  }

  async #pass(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    if (this.#refusal && request.method === 'POST') {
      response.writeHead(this.#refusal.status, { 'content-type': 'application/json', 'x-amzn-errortype': this.#refusal.type });
      response.end(JSON.stringify({ message: this.#refusal.message }));
      return;
    }
    const onward = http.request({ host: '127.0.0.1', port: this.#port, path: request.url, method: request.method, headers: request.headers });
    onward.end(body);
    const [answer] = await once(onward, 'response');
    const parts = [];
    for await (const part of answer) parts.push(part);
    const text = Buffer.concat(parts);
    if (request.url.endsWith('/outbound-emails') && answer.statusCode === 200) this.#note(JSON.parse(body), JSON.parse(text));
    const reply = () => {
      response.writeHead(answer.statusCode, { 'content-type': answer.headers['content-type'] ?? 'application/json' });
      response.end(text);
    };
    if (this.#held && request.method === 'POST') this.#held.push(reply);
    else reply();
  }

  #note(asked, answered) {
    this.sends.set(answered.MessageId, {
      tags: Object.fromEntries((asked.EmailTags ?? []).map(({ Name, Value }) => [Name, Value])),
      configurationSet: asked.ConfigurationSetName,
      to: asked.Destination.ToAddresses,
    });
  }
}
