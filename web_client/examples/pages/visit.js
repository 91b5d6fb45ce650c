// What every page does first: ask our own backend for a token of this visit, and load the client from Tingqing's
// server. Whatever goes wrong is one sentence in #said; a server that is busy is asked again.

/** Of your page, by `<html lang="zh-CN">`: the element or the client speaks it too. */
export const language = document.documentElement.lang.startsWith('zh') ? 'zh' : 'en';

const WORDS = {
  zh: {
    busy: (seconds) => `现在人多，${seconds} 秒后自动再试。`,
    refused: (status) => `这次没有听清帮忙（${status}），不影响就诊。`,
    offline: '网络不通，请检查网络后刷新页面。',
    notLoaded: (server) => `本页无法加载 ${server}index.js。--allow-origin 里有 ${location.origin} 吗？`,
  },
  en: {
    busy: (seconds) => `Busy, again in ${seconds} s.`,
    refused: (status) => `No listener (${status}). Your visit goes on without it.`,
    offline: 'No connection. Check the network and reload this page.',
    notLoaded: (server) =>
      `This page cannot load ${server}index.js. Is its origin in --allow-origin (${location.origin})?`,
  },
}[language];

const said = document.querySelector('#said');
const number = new URLSearchParams(location.search).get('visit') ?? '4711'; // YOURS: of this visit

/** @returns the server, its token for this visit, the page's language, and what the server's index.js exports; nothing
 *   if that was said to fail. */
export async function visit() {
  try {
    const { server, token } = await asked();
    return { ...(await loaded(server)), server, token, language };
  } catch (error) {
    said.textContent = error.message;
    return null;
  }
}

/** @returns the server and a token, which begins one session once: ask once for a page. */
export async function asked() {
  for (;;) {
    const answer = await fetch(`/visit/${encodeURIComponent(number)}`, { method: 'POST' }).catch(() => {
      throw new Error(WORDS.offline); // our own backend is not there
    });
    if (answer.ok) return answer.json();
    if (answer.status !== 503) throw new Error(WORDS.refused(answer.status));
    const seconds = Number(answer.headers.get('Retry-After')) || 10;
    said.textContent = WORDS.busy(seconds);
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
    throw new Error(WORDS.notLoaded(server));
  }
}
