// Tingqing's own page in a frame, with a token for this visit behind `#`.
import { asked, language } from './visit.js';

try {
  const { server, token } = await asked();
  const frame = document.querySelector('iframe');
  frame.src = `${server}?mode=visit&lang=${language}#token=${token}`;
  frame.hidden = false;
} catch (error) {
  document.querySelector('#said').textContent = error.message;
}
