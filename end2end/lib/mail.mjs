// Reading mail with an independent parser: Python's `email`, with its current policy.

import { until } from './assert.mjs';
import { run } from './process.mjs';

const READER = `
import base64, email, email.policy, json, sys
message = email.message_from_bytes(base64.b64decode(sys.stdin.read()), policy=email.policy.default)
def addresses(name):
    return [[a.display_name, a.addr_spec] for h in message.get_all(name, []) for a in h.addresses]
def part(p):
    content = p.get_content() if not p.is_multipart() else None
    payload = p.get_payload(decode=True) if content is not None else None
    return {
        'type': p.get_content_type(),
        'charset': p.get_content_charset(),
        'disposition': p.get_content_disposition(),
        'filename': p.get_filename(),
        'content_id': p['Content-ID'],
        'text': content if isinstance(content, str) else None,
        'base64': base64.b64encode(payload).decode() if payload is not None else None,
        'defects': [repr(d) for d in p.defects],
    }
print(json.dumps({
    'headers': [[name, str(value)] for name, value in message.items()],
    'from': addresses('From'), 'to': addresses('To'), 'cc': addresses('Cc'), 'bcc': addresses('Bcc'),
    'reply_to': addresses('Reply-To'),
    'subject': message['Subject'], 'message_id': message['Message-ID'],
    'date': message['Date'].datetime.isoformat() if message['Date'] else None,
    'parts': [part(p) for p in message.walk()],
}))
`;

/**
 * Returns what a mail client sees of the bytes of a message: `headers` (decoded, in order), `from`, `to`, `cc`, `bcc` and
 * `reply_to` as `[name, address]`, `subject`, `message_id`, `date`, and `parts` (depth first, the message itself first),
 * each with `type`, `charset`, `disposition`, `filename`, `content_id`, `text`, `bytes` and the `defects` that were found.
 */
export async function readMail(raw) {
  const { code, output } = await run('python3', ['-c', READER], { input: raw.toString('base64'), env: { ...process.env, PYTHONIOENCODING: 'utf-8' } });
  if (code !== 0) throw new Error(`Python cannot read the message:\n${output}`);
  const mail = JSON.parse(output);
  for (const part of mail.parts) {
    part.bytes = part.base64 === null ? null : Buffer.from(part.base64, 'base64');
    delete part.base64;
  }
  return mail;
}

/** Waits for a mail with this subject to an address, and returns where the link of the newest leads: `/verify?token=…`. */
export async function linkInMail(sink, to, subject) {
  return until(
    () => {
      const mails = sink.messages.filter(({ to: recipients, raw }) => recipients.includes(to) && String(raw).includes(`Subject: ${subject}`));
      const text = String(mails.at(-1).raw).replaceAll(/=\r\n/g, '').replaceAll('=3D', '=');
      return /http:\/\/127\.0\.0\.1:\d+(\/[a-z-]+\?token=[A-Za-z0-9]{43})/.exec(text)[1];
    },
    { timeout: 20_000, what: `a mail to ${to}: ${subject}` },
  );
}
