// The same in Node (18 or newer), without a package: the key stays here, a page gets a token.
//
// TINGQING_SERVER=https://localhost:8443/ TINGQING_KEY=tq_… node backend.mjs 8444 server.crt server.key

import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const [port, cert, key] = process.argv.slice(2);
const { TINGQING_SERVER = '', TINGQING_KEY = '' } = process.env;
const origin = TINGQING_SERVER.replace(/\/+$/, '');
const server = `${origin}/`;
const headers = {
  'Content-Security-Policy':
    `default-src 'none'; img-src 'self' data:; style-src 'self'; base-uri 'none'; script-src 'self' ${origin}; ` +
    `connect-src 'self' ${origin} ${origin.replace('https', 'wss')}; frame-src ${origin}`,
  'Permissions-Policy': `microphone=(self "${origin}")`,
  'Cache-Control': 'no-store',
};
const doctors = new Map(); // yours: beside the visit in your database

/** A session for this patient. Put your own sign-in before it: whoever may ask here gets one. */
async function visit() {
  const number = '4711'; // of your visit; comes back with the result
  const answer = await fetch(`${server}v1/sessions`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${TINGQING_KEY}` },
    body: JSON.stringify({ mode: 'visit', reference: `visit ${number}` }),
    signal: AbortSignal.timeout(30_000),
  });
  if (!answer.ok) return { status: answer.status, more: { 'Retry-After': answer.headers.get('Retry-After') ?? '10' } };
  const session = await answer.json();
  doctors.set(number, session.nudge_url);
  return { status: 200, body: JSON.stringify({ server, token: session.publish_token }), type: 'application/json' };
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

/** @param {string} method @param {string} name */
function answerTo(method, name) {
  if (method === 'POST' && name === '/visit') return visit().catch(() => ({ status: 502 })); // not reached, or not trusted
  const doctor = name.startsWith('/doctor/') ? doctors.get(name.slice('/doctor/'.length)) : undefined; // for doctors alone
  return doctor ? { status: 302, more: { Location: doctor } } : page(name);
}

const tls = { cert: readFileSync(cert ?? ''), key: readFileSync(key ?? '') };
const listening = createServer(tls, (request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'https://localhost/');
  void Promise.resolve(answerTo(request.method ?? 'GET', pathname)).then(
    ({ status, body = '', type = 'text/plain', more = {} }) => {
      response.writeHead(status, { ...headers, 'Content-Type': type, ...more }).end(body);
    },
  );
});
listening.listen(Number(port), '127.0.0.1', () => console.log(`https://localhost:${port}/`));
