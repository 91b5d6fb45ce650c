import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';

import { language, visit } from '../pages/visit.js';
import { Strip } from './Strip.jsx';

const WORDS = { zh: { join: '加入', leave: '离开' }, en: { join: 'Join', leave: 'Leave' } }[language];

function Call({ server, token }) {
  const [source, setSource] = useState(null);
  const [over, setOver] = useState(false);
  const [state, setState] = useState('idle');
  const join = async () => setSource(await navigator.mediaDevices.getUserMedia({ audio: true })); // what your call sends
  return (
    <div id="call" data-state={state}>
      <button id="join" disabled={source !== null} onClick={join}>
        {WORDS.join}
      </button>
      <button id="leave" disabled={source === null || over} onClick={() => setOver(true)}>
        {WORDS.leave}
      </button>
      <Strip server={server} token={token} source={source} over={over} onState={({ kind }) => setState(kind)} />
    </div>
  );
}

const ready = await visit();
if (ready) {
  createRoot(document.querySelector('#app')).render(
    <StrictMode>
      <Call server={ready.server} token={ready.token} />
    </StrictMode>,
  );
}
