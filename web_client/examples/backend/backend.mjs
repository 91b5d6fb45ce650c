// The same in Node (18 or newer), without a package: the key stays here, a page gets a token.
//
// TINGQING_SERVER=https://localhost:8443/ TINGQING_KEY=tq_… DOCTOR_PASSWORD=… \
//   node backend.mjs 8444 server.crt server.key

import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const [port, cert, key] = process.argv.slice(2);
const { TINGQING_SERVER = '', TINGQING_KEY = '', DOCTOR_PASSWORD = '' } = process.env;
const server = TINGQING_SERVER.replace(/\/*$/, '/');
const { origin } = new URL(server); // for the headers, which take no path such as /tingqing/
const headers = {
  'Content-Security-Policy':
    `default-src 'none'; img-src 'self' data:; style-src 'self'; base-uri 'none'; script-src 'self' ${origin}; ` +
    `connect-src 'self' ${origin} ${origin.replace('http', 'ws')}; frame-src ${origin}`,
  'Permissions-Policy': `microphone=(self "${origin}")`,
  'Cache-Control': 'no-store',
};
const sessions = new Map(); // YOURS: beside the visit in your database. By the visit's number
const AT_MOST = 1000; // the oldest is forgotten

/** Of Tingqing's server, with the key. @param {string} what @param {RequestInit} [how] */
const ask = (what, how) =>
  fetch(`${server}v1/${what}`, {
    headers: { Authorization: `Bearer ${TINGQING_KEY}` },
    signal: AbortSignal.timeout(30_000),
    ...how,
  });

/** @param {Response} answer */
const passedOn = ({ status, headers: given }) => ({
  status,
  more: { 'Retry-After': given.get('Retry-After') ?? '10' },
});

/** @param {{publish_token: string}} session */
const forPage = (session) => ({
  status: 200,
  body: JSON.stringify({ server, token: session.publish_token }),
  type: 'application/json',
});

/**
 * A session for this patient. YOURS: a sign-in before it, and whether this visit is theirs.
 *
 * The same for each load of the page until the patient begins. After that its token, which begins one session once,
 * begins nothing more: whoever loads the page again gets another session, and the doctor's address leads to that one.
 *
 * @param {string} number
 */
async function visit(number) {
  const known = sessions.get(number);
  if (known) {
    const answer = await ask(`sessions/${known.id}`);
    if (!answer.ok && answer.status !== 404) return passedOn(answer); // 404: it has expired
    if (answer.ok && (await answer.json()).state === 'announced') return forPage(known);
  }
  const body = JSON.stringify({ mode: 'visit', reference: `visit ${number}` }); // comes back with the result
  const answer = await ask('sessions', { method: 'POST', body });
  if (!answer.ok) return passedOn(answer);
  const session = await answer.json();
  sessions.delete(number);
  sessions.set(number, session);
  if (sessions.size > AT_MOST) sessions.delete(sessions.keys().next().value);
  return forPage(session);
}

/**
 * Whether a doctor asks. YOURS: your portal's sign-in. Here: `doctor` and DOCTOR_PASSWORD; without it, nobody.
 * @param {import('node:http').IncomingMessage} request
 */
function signedIn({ headers: { authorization = '' } }) {
  const wanted = `Basic ${Buffer.from(`doctor:${DOCTOR_PASSWORD}`).toString('base64')}`;
  const [one, other] = [authorization, wanted].map((text) => createHash('sha256').update(text).digest());
  return DOCTOR_PASSWORD !== '' && timingSafeEqual(one, other);
}

/**
 * The doctor's page of a visit, with a token to see it and to ask the patient: for doctors alone.
 * @param {import('node:http').IncomingMessage} request @param {string} number
 */
function doctor(request, number) {
  if (!signedIn(request)) return { status: 401, more: { 'WWW-Authenticate': 'Basic realm="Doctors"' } };
  const session = sessions.get(number);
  return session ? { status: 302, more: { Location: session.nudge_url } } : { status: 404 };
}

const pages = fileURLToPath(new URL('../pages/', import.meta.url));
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css' };

/** A file of `pages`. @param {string} name */
function page(name) {
  const file = path.join(pages, name.endsWith('/') ? `${name}index.html` : name); // `..` is resolved in a URL
  const type = types[/** @type {keyof types} */ (path.extname(file))];
  try {
    return type ? { status: 200, body: readFileSync(file), type } : { status: 404 };
  } catch {
    return { status: 404 };
  }
}

/** @param {import('node:http').IncomingMessage} request @param {string} name */
function answerTo(request, name) {
  const [, what, number = ''] = /^\/(visit|doctor)\/([A-Za-z0-9-]{1,40})$/.exec(name) ?? [];
  if (what === 'doctor') return doctor(request, number);
  if (what !== 'visit') return page(name);
  if (request.method !== 'POST') return { status: 405 };
  return visit(number).catch(() => ({ status: 502 })); // not reached, or not trusted
}

const tls = { cert: readFileSync(cert ?? ''), key: readFileSync(key ?? '') };
const listening = createServer(tls, (request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'https://localhost/');
  void Promise.resolve(answerTo(request, pathname)).then(({ status, body = '', type = 'text/plain', more = {} }) => {
    response.writeHead(status, { ...headers, 'Content-Type': type, ...more }).end(body);
  });
});
listening.listen(Number(port), '127.0.0.1', () => console.log(`https://localhost:${port}/`));
