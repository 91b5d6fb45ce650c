// A token for this visit from our own backend, then the element of Tingqing's server with it.
import { visit } from './visit.js';

const ready = await visit();
if (ready) {
  const patient = document.createElement('tingqing-patient');
  patient.setAttribute('server', ready.server);
  patient.setAttribute('token', ready.token);
  patient.setAttribute('lang', ready.language);
  document.querySelector('main').append(patient);
}
