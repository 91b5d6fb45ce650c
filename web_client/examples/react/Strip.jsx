import { useEffect, useRef } from 'react';

import { language } from '../pages/visit.js';

/**
 * What the patient reads, in the corner of a call. `source`: the stream or track that your call sends, as soon as it has
 * one. `over`: the call has ended. The page has loaded `index.js` of Tingqing's server (see visit.js).
 */
export function Strip({ server, token, source, over = false, onState }) {
  const element = useRef(null);
  useEffect(() => {
    const strip = element.current;
    const told = ({ detail }) => onState(detail); // {kind: 'live'}, … docs/web-client.md
    strip.addEventListener('tingqing-state', told);
    return () => strip.removeEventListener('tingqing-state', told);
  }, [onState]);
  useEffect(() => {
    if (!source) return;
    element.current.source = source;
    void element.current.start(); // nothing, if it runs already
  }, [source]);
  useEffect(() => {
    if (over) element.current.finish();
  }, [over]);
  return <tingqing-strip ref={element} server={server} token={token} mode="visit" lang={language} />;
}
