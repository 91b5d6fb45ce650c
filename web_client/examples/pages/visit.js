// What every page does first: ask our own backend for a token of this visit, and load the client from Tingqing's
// server. Whatever goes wrong is one sentence in #said; a server that is busy is asked again.

const said = document.querySelector('#said');

/** @returns the server, its token for this visit, and what its index.js exports; nothing if that was said to fail. */
export async function visit() {
  try {
    const { server, token } = await asked();
    return { server, token, ...(await loaded(server)) };
  } catch (error) {
    said.textContent = error.message; // a sentence of ours, or of the browser: our own backend is not there
    return null;
  }
}

/** @returns the server and a token. Each time a new session: ask once for a visit. */
export async function asked() {
  for (;;) {
    const answer = await fetch('/visit', { method: 'POST' });
    if (answer.ok) return answer.json();
    if (answer.status !== 503) throw new Error(`No listener (${answer.status}). Your visit goes on without it.`);
    const seconds = Number(answer.headers.get('Retry-After')) || 10;
    said.textContent = `Busy, again in ${seconds} s.`;
    await new Promise((resolve) => {
      setTimeout(resolve, 1000 * seconds);
    });
    said.textContent = '';
  }
}

async function loaded(server) {
  try {
    return await import(`${server}index.js`);
  } catch {
    // Another origin that the server does not allow, a certificate that is not trusted, a server that is not there.
    throw new Error(`This page cannot load ${server}index.js. Is its origin in --allow-origin (${location.origin})?`);
  }
}
