/** The pages: language, session and token in the address, dropped files. Each page loads only its own element. */

import { StaffDoor } from './staff-door.js';
import { LabelPicker } from './label-picker.js';
import { sayLine } from './slow-line.js';
import { define } from '../elements/define.js';
import { languageOf } from '../language/dictionary.js';

/**
 * @import { TingqingPatient } from '../elements/patient-element.js'
 * @import { Language } from '../protocol/types.js'
 */

const address = new URL(location.href);
const element = /** @type {HTMLElement} */ (
  document.querySelector('tingqing-patient, tingqing-doctor, tingqing-check')
);
const button = /** @type {HTMLButtonElement} */ (document.querySelector('#language'));

// Behind `#`, an address keeps a token from servers, proxies and their logs. Another token is another visit.
const token = new URLSearchParams(address.hash.slice(1)).get('token');
if (token) element.setAttribute('token', token);
addEventListener('hashchange', () => location.reload());
sayLine(element, address);

/** @type {LabelPicker | null} */
let picker = null;
if (element.localName === 'tingqing-patient') {
  picker = new LabelPicker(element, address);
  button.before(picker.element);
  if (address.searchParams.get('mode') === 'visit') element.setAttribute('mode', 'visit');
  void picker.load();
}

/** @type {StaffDoor | null} */
let door = null;
if (element.localName === 'tingqing-doctor' && !token) {
  door = new StaffDoor(address);
  button.before(door.strip);
}

/** @param {Language} language */
function speak(language) {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  element.lang = language;
  picker?.speak(language);
  door?.speak(language);
  const other = language === 'zh' ? 'en' : 'zh';
  button.lang = other === 'zh' ? 'zh-CN' : 'en';
  button.textContent = other === 'zh' ? '中文' : 'English';
  button.onclick = () => {
    // Kept in the address, not on the device, where nothing is stored.
    address.searchParams.set('lang', other);
    history.replaceState(null, '', address);
    speak(other);
  };
}

speak(languageOf(address.searchParams.get('lang') ?? navigator.language));
await door?.load();
if (door?.invites) element.before(door.invitation.element);
if (door?.closed) {
  element.replaceWith(door.element);
} else if (element.localName === 'tingqing-doctor') {
  element.setAttribute('session', address.searchParams.get('session') ?? '');
  const { TingqingDoctor } = await import('../elements/doctor-element.js');
  define('tingqing-doctor', TingqingDoctor);
} else if (element.localName === 'tingqing-check') {
  const { TingqingCheck } = await import('../elements/check-element.js');
  define('tingqing-check', TingqingCheck);
} else {
  const { TingqingPatient } = await import('../elements/patient-element.js');
  define('tingqing-patient', TingqingPatient);
  acceptFiles(/** @type {TingqingPatient} */ (element));
  askBeforeLeaving(element);
}

/** A tap on a link, or a closed tab, must not end a visit by mistake. @param {HTMLElement} patient */
function askBeforeLeaving(patient) {
  addEventListener('beforeunload', (event) => {
    if (['live', 'paused', 'reconnecting'].includes(patient.dataset.state ?? '')) event.preventDefault();
  });
}

/** @param {TingqingPatient} patient */
function acceptFiles(patient) {
  addEventListener('dragover', (event) => {
    event.preventDefault();
    patient.dragging(true);
  });
  addEventListener('dragleave', ({ relatedTarget }) => relatedTarget === null && patient.dragging(false));
  addEventListener('drop', (event) => {
    event.preventDefault();
    patient.dragging(false);
    const file = event.dataTransfer?.files[0];
    if (file) patient.assess(file);
  });
}
