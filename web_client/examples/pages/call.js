// Beside a call that this page already has: no element, only the client, with the call's own microphone.
import { visit } from './visit.js';

const ready = await visit();
const said = document.querySelector('#said');
const join = document.querySelector('#join');

join.onclick = async () => {
  join.disabled = true;
  // What your call sends: on an iPhone a second getUserMedia would take the first one's sound away.
  const source = await navigator.mediaDevices.getUserMedia({ audio: true });
  const { TingqingClient, server, token, language } = ready;
  const client = new TingqingClient({ server, token, source, mode: 'visit', language });
  client.on('state', (state) => {
    document.body.dataset.state = state.kind;
    if (state.kind !== 'failed') return;
    said.textContent = state.failure.remedy[language];
    join.disabled = false;
  });
  client.on('message', (message) => {
    if (message.type === 'prompt.raised') said.textContent = message.text[language];
    if (message.type === 'prompt.cleared') said.textContent = '';
  });
  await client.start();
  // When your call has its remote stream: client.farEnd(stream). When it ends: client.finish().
  globalThis.client = client;
};
join.disabled = !ready; // from here on a click begins
