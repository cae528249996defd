// Metrics for Prometheus: the listener that serves them, their values after messages over HTTP and SMTP, and what they must
// not contain.

import { connect } from 'node:net';

import { email, post, reached, send } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { swaks } from '../lib/process.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'metrics';
export const databases = ['sqlite', 'postgres'];

export async function run(t) {
  const server = await startServer(t);
  const dashboard = await signUp(server);
  const key = await dashboard.createKey();
  const sink = await startSink(t);
  const provider = await dashboard.addSmtp({ port: sink.port });

  const id = await send(server, key);
  await reached(dashboard, id, 'sent');
  const login = ['--auth', 'PLAIN', '--auth-user', 'x', '--auth-password'];
  const envelope = ['--from', 'ana@example.com', '--to', 'secret@example.net'];
  const sent = await swaks(server.smtpPort, ['--tls', ...login, key, ...envelope]);
  assert.equal(sent.code, 0, sent.output);
  await reached(dashboard, /queued as (eml_\w+)/.exec(sent.output)[1], 'sent');
  await swaks(server.smtpsPort, ['--tls-on-connect', ...login, 'smx_live_wrong', ...envelope]);
  assert.equal((await post(server, 'smx_live_wrong', email())).status, 401);
  await dashboard.get('/messages');
  await server.fetch('/no/such/page');

  const text = await until(async () => {
    const text = await server.metrics();
    // A session is counted when it is over, which is a moment after its client has gone.
    return /^sendmux_smtp_sessions_open 0$/m.test(text) && /end="quit"/.test(text) && /sendmux_smtp_refusals/.test(text) && text;
  });
  for (const line of [
    'sendmux_messages_accepted_total{source="http",mode="live"} 1',
    'sendmux_messages_accepted_total{source="smtp",mode="live"} 1',
    'sendmux_messages_finished_total{status="sent"} 2',
    'sendmux_attempts_total{kind="smtp",class="accepted"} 2',
    'sendmux_attempt_seconds_count{kind="smtp"} 2',
    'sendmux_accept_seconds_count{source="smtp"} 1',
    'sendmux_delivery_seconds_count 2',
    'sendmux_queue_messages{state="ready",reason="none"} 0',
    'sendmux_queue_messages{state="waiting",reason="cap"} 0',
    'sendmux_providers{kind="smtp",status="active"} 1',
    'sendmux_failed_authentications_total{source="smtp"} 1',
    'sendmux_failed_authentications_total{source="http"} 1',
    'sendmux_smtp_sessions_total{security="starttls",end="quit"} 1',
    'sendmux_smtp_tls_handshakes_total{version="TLSv1.3"} 2',
    'sendmux_smtp_refusals_total{code="535"} 1',
    'sendmux_http_requests_total{method="POST",route="/api/v1/emails/send",status="202"} 1',
    'sendmux_http_requests_total{method="POST",route="/api/v1/emails/send",status="401"} 1',
    'sendmux_http_requests_total{method="GET",route="/messages",status="200"} 1',
    'sendmux_http_requests_total{method="GET",route="other",status="404"} 1',
    'sendmux_database_up 1',
    '# EOF',
  ]) {
    assert.ok(text.split('\n').includes(line), `${line} is not in\n${text}`);
  }
  for (const secret of [key, key.slice(-32), id, provider, 'example.net', 'example.com', '127.0.0.1', 'Acme']) {
    assert.ok(!text.includes(secret), `${secret} is in\n${text}`);
  }

  assert.equal((await server.fetch('/metrics')).status, 404, 'not on the public port');
  assert.equal((await fetch(`http://127.0.0.1:${server.metricsPort}/`)).status, 404, 'and nothing else on its own');

  await server.stop();
  server.env = { SENDMUX_METRICS_ADDR: 'off' };
  await server.start();
  await assert.rejects(new Promise((resolve, reject) => connect(server.metricsPort, '127.0.0.1', resolve).on('error', reject)), /ECONNREFUSED/);
}
