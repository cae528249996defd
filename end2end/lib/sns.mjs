// A fake Amazon SNS: it has a certificate of its own, signs notifications, and confirms subscriptions.

import { createSign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { assert } from './assert.mjs';
import { run } from './process.mjs';

/** Starts one; servers are given its `url` as SENDMUX_SNS_URL. */
export async function startSigner(t) {
  const folder = await t.temporaryFolder();
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const { code, output } = await run('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=sns.amazonaws.com'],
    ...['-keyout', keyFile, '-out', certFile],
  ]);
  assert.equal(code, 0, output);
  const signer = new Signer(await readFile(keyFile, 'utf8'), await readFile(certFile, 'utf8'));
  await signer.listen();
  t.after(() => signer.close());
  return signer;
}

class Signer {
  #key;
  #server;

  constructor(key, certificate) {
    this.#key = key;
    this.topic = 'arn:aws:sns:eu-central-1:000000000000:ses';
    /** How often a subscription was confirmed. */
    this.confirmed = 0;
    this.#server = createServer((request, response) => {
      if (request.url.startsWith('/?Action=ConfirmSubscription')) this.confirmed += 1;
      response.end(request.url.endsWith('.pem') ? certificate : '<ConfirmSubscriptionResponse/>');
    });
  }

  async listen() {
    await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
  }

  close() {
    return new Promise((resolve) => this.#server.close(resolve));
  }

  /** Posts a message with its signature of this version, as SNS does; `change` spoils it afterwards. */
  async post(endpoint, message, { version = '2', change = (signed) => signed } = {}) {
    const names =
      message.Type === 'Notification'
        ? ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']
        : ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'];
    const full = { TopicArn: this.topic, Timestamp: new Date().toISOString(), ...message };
    const text = names.filter((name) => full[name] !== undefined).map((name) => `${name}\n${full[name]}\n`).join('');
    const signature = createSign(version === '1' ? 'RSA-SHA1' : 'RSA-SHA256').update(text).sign(this.#key, 'base64');
    const signed = { ...full, SignatureVersion: version, Signature: signature, SigningCertURL: `${this.url}/sns.pem` };
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'text/plain; charset=UTF-8', 'x-amz-sns-message-type': message.Type },
      body: JSON.stringify(change(signed)),
    });
    return response.status;
  }

  /** Subscribes the topic to an address. */
  subscribe(endpoint, options) {
    const message = { Type: 'SubscriptionConfirmation', MessageId: 'subscribe', Message: 'You have chosen to subscribe', Token: 't' };
    const confirm = `${this.url}/?Action=ConfirmSubscription&TopicArn=${this.topic}&Token=t`;
    return this.post(endpoint, { ...message, SubscribeURL: confirm }, options);
  }

  /** Publishes what SES tells of a message. */
  notify(endpoint, id, event, options) {
    return this.post(endpoint, { Type: 'Notification', MessageId: id, Message: JSON.stringify(event) }, options);
  }
}

/**
 * What SES tells of a message in an event of a configuration set, which carries the tags of the send. Options:
 *   sesId    SES's own id of the message
 *   tagged   false: as in a notification of an identity, without tags
 *   at       when it happened, a Date
 */
export function sesEvent(type, messageId, details, { sesId = `0100-${messageId}`, tagged = true, at = new Date() } = {}) {
  const name = type === 'DeliveryDelay' ? 'deliveryDelay' : type.toLowerCase();
  const mail = { messageId: sesId, timestamp: at.toISOString(), destination: [] };
  if (tagged) mail.tags = { 'sendmux-message': [messageId] };
  const word = tagged ? 'eventType' : 'notificationType';
  return { [word]: type, mail, [name]: { timestamp: mail.timestamp, feedbackId: `feedback-${type}-${messageId}`, ...details } };
}
