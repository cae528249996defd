// Google and Microsoft on this machine: their sign-in pages and token endpoints by oauth2-mock-server, which checks PKCE and
// makes the tokens, and beside them the APIs that take messages, which accept only these tokens.
//
// Sources of their errors: Google's OAuth and Gmail API references, Microsoft's identity platform and Graph.

import http from 'node:http';
import { randomUUID } from 'node:crypto';

import { OAuth2Server } from 'oauth2-mock-server';

const GOOGLE_SEND = 'https://www.googleapis.com/auth/gmail.send';

/**
 * Starts both, at one address. Returns
 *   url          stands in for all their hosts
 *   env          the settings of a server that goes there
 *   secret       the client secret of both applications
 *   account      who signs in next: `{ subject, email }`
 *   messages     what was sent: `{ service, raw, token }`
 *   refreshes    how often a token was refreshed
 *   revoked      tokens that were given back
 *   expiresIn    seconds that new access tokens are good for
 *   badSecret    set to true: the applications' secret has expired
 *   tokens()     every token that was ever given out
 *   takeBack()   the user removes the application: no token is good any more
 *   expire()     the access tokens that are out are not accepted any more
 */
export async function startIdentity(t) {
  const oauth = new OAuth2Server();
  await oauth.issuer.keys.generate('RS256');
  const { service } = oauth;
  const state = {
    secret: `planted-client-secret-${randomUUID()}`,
    account: { subject: '1001', email: 'ada@example.com' },
    messages: [],
    refreshes: 0,
    revoked: [],
    expiresIn: 3600,
    badSecret: false,
    failures: [],
  };
  const good = { access: new Map(), refresh: new Map() };
  const ever = new Set();
  state.tokens = () => [...ever];
  state.takeBack = () => {
    good.access.clear();
    good.refresh.clear();
  };
  state.expire = () => good.access.clear();

  service.on('beforeResponse', (response, req) => {
    const { grant_type, refresh_token, client_secret } = req.body;
    const microsoft = req.url.includes('microsoft');
    const refuse = (statusCode, error, error_description) => Object.assign(response, { statusCode, body: { error, error_description } });
    if (state.badSecret || client_secret !== state.secret) {
      if (microsoft) return refuse(401, 'invalid_client', 'AADSTS7000222: The provided client secret keys for app are expired.');
      return refuse(401, 'invalid_client', 'The provided client secret is invalid.');
    }
    if (response.statusCode !== undefined && response.statusCode !== 200) return undefined;
    let account = state.account;
    if (grant_type === 'refresh_token') {
      state.refreshes += 1;
      account = good.refresh.get(refresh_token);
      if (!account) {
        if (microsoft) return refuse(400, 'invalid_grant', 'AADSTS700082: The refresh token has expired due to inactivity.');
        return refuse(400, 'invalid_grant', 'Token has been expired or revoked.');
      }
    }
    response.body.access_token = `planted-access-${randomUUID()}`;
    response.body.expires_in = state.expiresIn;
    response.body.scope = microsoft ? 'Mail.Send User.Read openid email' : `${GOOGLE_SEND} openid email`;
    delete response.body.refresh_token;
    // Google gives one once, Microsoft a new one with every answer.
    if (grant_type !== 'refresh_token' || microsoft) response.body.refresh_token = `planted-refresh-${randomUUID()}`;
    good.access.set(response.body.access_token, account);
    ever.add(response.body.access_token);
    if (response.body.refresh_token) {
      good.refresh.set(response.body.refresh_token, account);
      ever.add(response.body.refresh_token);
    }
    return undefined;
  });

  const server = http.createServer((req, res) => {
    const url = new URL(req.url, 'http://localhost');
    const bearer = /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1];
    const answer = (status, body) => {
      res.writeHead(status, { 'content-type': 'application/json' });
      res.end(body === undefined ? '' : JSON.stringify(body));
    };
    const whose = () => good.access.get(bearer);
    const body = async () => {
      const parts = [];
      for await (const part of req) parts.push(part);
      return Buffer.concat(parts);
    };
    const google401 = { error: { code: 401, message: 'Request had invalid authentication credentials.', errors: [{ reason: 'authError' }], status: 'UNAUTHENTICATED' } };
    const graph401 = { error: { code: 'InvalidAuthenticationToken', message: 'Access token has expired or is not yet valid.' } };

    if (url.pathname === '/o/oauth2/v2/auth' || url.pathname.endsWith('/oauth2/v2.0/authorize')) return consent(url, state.account, res);
    if (url.pathname === '/allow') return mock(service, req, res, `/authorize${url.search}`);
    if (url.pathname === '/token') return mock(service, req, res, '/token?google');
    if (url.pathname.endsWith('/oauth2/v2.0/token')) return mock(service, req, res, '/token?microsoft');
    if (url.pathname === '/revoke') {
      return void body().then((form) => {
        state.revoked.push(new URLSearchParams(form.toString()).get('token'));
        answer(200, {});
      });
    }
    if (url.pathname === '/v1/userinfo') {
      const account = whose();
      return account ? answer(200, { sub: account.subject, email: account.email, email_verified: true }) : answer(401, google401);
    }
    if (url.pathname === '/v1.0/me' && req.method === 'GET') {
      const account = whose();
      return account ? answer(200, { id: account.subject, mail: account.email }) : answer(401, graph401);
    }
    if (url.pathname === '/upload/gmail/v1/users/me/messages/send') {
      return void body().then((raw) => {
        if (!whose()) return answer(401, google401);
        if (req.headers['content-type'] !== 'message/rfc822' || url.searchParams.get('uploadType') !== 'media') return answer(400, { error: { code: 400, message: 'Bad upload', status: 'INVALID_ARGUMENT' } });
        state.messages.push({ service: 'gmail', raw: raw.toString(), token: bearer, account: whose() });
        return answer(200, { id: `gmail-${state.messages.length}`, threadId: 't', labelIds: ['SENT'] });
      });
    }
    if (url.pathname === '/v1.0/me/sendMail') {
      return void body().then((raw) => {
        if (!whose()) return answer(401, graph401);
        if (req.headers['content-type'] !== 'text/plain') return answer(400, { error: { code: 'ErrorMimeContentInvalid', message: 'Invalid MIME content.' } });
        state.messages.push({ service: 'graph', raw: Buffer.from(raw.toString(), 'base64').toString(), token: bearer, account: whose() });
        return answer(202);
      });
    }
    state.failures.push(`${req.method} ${req.url}`);
    return answer(404, { error: 'not_found' });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  t.finally(() => {
    if (state.failures.length > 0) throw new Error(`no such endpoint: ${state.failures.join(', ')}`);
  });
  state.url = `http://127.0.0.1:${server.address().port}`;
  oauth.issuer.url = state.url;
  state.env = {
    SENDMUX_GOOGLE_CLIENT_ID: 'google-client',
    SENDMUX_GOOGLE_CLIENT_SECRET: state.secret,
    SENDMUX_GOOGLE_URL: state.url,
    SENDMUX_MICROSOFT_CLIENT_ID: 'microsoft-client',
    SENDMUX_MICROSOFT_CLIENT_SECRET: state.secret,
    SENDMUX_MICROSOFT_TENANT: 'organizations',
    SENDMUX_MICROSOFT_LOGIN_URL: state.url,
    SENDMUX_MICROSOFT_GRAPH_URL: state.url,
  };
  return state;
}

function mock(service, req, res, path) {
  req.url = path;
  return service.requestHandler(req, res);
}

/** The page on which the user says yes or no. */
function consent(url, account, res) {
  const back = new URL(url.searchParams.get('redirect_uri'));
  back.searchParams.set('error', 'access_denied');
  back.searchParams.set('state', url.searchParams.get('state'));
  const attribute = (text) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  res.writeHead(200, { 'content-type': 'text/html' });
  res.end(`<!doctype html><title>Consent</title><link rel="icon" href="data:,">
    <h1>Let Sendmux send as ${account.email}?</h1><p id="hint">${attribute(url.searchParams.get('login_hint') ?? '')}</p>
    <a href="${attribute(`/allow${url.search}`)}">Allow</a> <a href="${attribute(back.href)}">Cancel</a>`);
}
