/** The page of a call: the patient with the strip in the corner, the doctor with the meter below. */

import { define } from '../elements/define.js';
import { TingqingDoctor } from '../elements/doctor-element.js';
import { TingqingStrip } from '../elements/strip-element.js';
import { MicrophoneError, microphoneError, obstacle } from '../audio/microphone-errors.js';
import { Call } from '../client/call.js';
import { told } from '../client/client-state.js';
import { whereOf } from '../language/where.js';
import { FailureCode } from '../protocol/failures.js';
import { linkRefusal } from '../transport/link.js';
import { followLanguage } from './language-switch.js';
import { sayLine } from './slow-line.js';
import { VisitView } from './visit-view.js';

/**
 * @import { CallRole } from '../protocol/types.js'
 * @import { Failure } from '../protocol/failures.js'
 * @import { ClientState } from '../client/client-state.js'
 * @import { CallState } from '../client/call.js'
 */

define('tingqing-strip', TingqingStrip);
define('tingqing-doctor', TingqingDoctor);

const address = new URL(location.href);
// Behind `#`, an address keeps a token from servers, proxies and their logs. Another token is another visit.
const token = new URLSearchParams(address.hash.slice(1)).get('token');
addEventListener('hashchange', () => location.reload());
const session = address.searchParams.get('session') ?? '';
const role = roleOf(token);
const SEAT = `tingqing.seat.${session}`;

class Visit {
  #strip = session && role === 'patient' ? strip() : null;
  #doctor = session && role === 'doctor' ? meter() : null;
  #call = /** @type {Call | null} */ (null);
  #pressed = false;
  #judging = false;
  #microphone = /** @type {MediaStreamTrack | null} */ (null);
  #camera = /** @type {MediaStreamTrack | null} */ (null);
  #view = new VisitView(role, this.#strip ?? this.#doctor, {
    join: () => void this.#join(),
    mute: () => this.#mute(),
    camera: () => void this.#turnCamera(),
    leave: () => this.#leave(),
  });

  /** @param {HTMLElement} main */
  show(main) {
    main.append(this.#view.element);
    if (!session) this.#view.become({ kind: 'incomplete' });
    followLanguage(address, (language) => {
      for (const each of [this.#strip, this.#doctor]) if (each) each.lang = language;
      this.#view.speak(language);
    });
    this.#strip?.addEventListener('tingqing-state', (event) => {
      const { detail } = /** @type {CustomEvent<ClientState>} */ (event);
      if (detail.kind === 'ended') this.#view.judged(detail.result);
    });
    this.#strip?.addEventListener('tingqing-refused', (event) => {
      this.#refuse(/** @type {CustomEvent<Failure>} */ (event).detail);
    });
    if (this.#doctor && token) void linkRefusal(token, { scope: 'nudge' }).then((refusal) => this.#refuse(refusal));
    // A tap on a link must not end a visit by mistake.
    addEventListener('beforeunload', (event) => {
      if (this.#call) event.preventDefault();
    });
  }

  /** The link opens nothing: said before anybody presses a button. @param {Failure | null} refusal */
  #refuse(refusal) {
    if (refusal && !this.#pressed && !kept()) this.#view.become({ kind: 'failed', failure: told(refusal) });
  }

  async #join() {
    if (this.#call) return;
    this.#pressed = true;
    this.#view.become({ kind: 'asking' });
    try {
      this.#microphone = await track({ audio: true });
    } catch (error) {
      const code = error instanceof MicrophoneError ? error.code : FailureCode.UNEXPECTED;
      this.#view.become({ kind: 'failed', failure: told({ code, detail: String(error) }) });
      return;
    }
    const call = new Call({ session, token, seat: kept() });
    this.#call = call;
    call.add(this.#microphone);
    call.on('state', (state) => this.#moved(state));
    call.on('remote', (stream) => this.#heard(stream));
    call.start();
  }

  /** Judges the patient, once the server has let them into the call: nobody else's link begins the session. */
  #judge() {
    if (!this.#strip || !this.#microphone || this.#judging) return;
    this.#judging = true;
    // On an iPhone a second getUserMedia takes the first one's sound away: there the call's own track is judged.
    const shared = whereOf(navigator.userAgent).browser === 'iphone';
    this.#strip.source = shared ? this.#microphone : undefined;
    void this.#strip.start();
  }

  /** @param {CallState} state */
  #moved(state) {
    if (this.#call?.seat) keep(this.#call.seat);
    if (state.kind === 'waiting' || state.kind === 'finding') this.#judge();
    if (state.kind === 'failed' || state.kind === 'ended') this.#letGo();
    this.#view.become(state);
  }

  /** @param {MediaStream | null} stream */
  #heard(stream) {
    this.#view.show(stream);
    this.#strip?.farEnd(stream?.getAudioTracks().length ? stream : false);
  }

  #mute() {
    if (!this.#microphone) return;
    this.#microphone.enabled = !this.#microphone.enabled;
    if (this.#microphone.enabled) this.#strip?.resume();
    else this.#strip?.pause();
    this.#view.muted = !this.#microphone.enabled;
  }

  async #turnCamera() {
    const on = this.#camera;
    if (on) {
      this.#call?.remove(on);
      on.stop();
      this.#camera = null;
    } else {
      this.#camera = await track({ video: true }).catch(() => null);
      if (!this.#call) this.#camera?.stop(); // left meanwhile
      if (this.#camera) this.#call?.add(this.#camera);
    }
    this.#view.camera(this.#camera, this.#camera === null && on === null);
  }

  #leave() {
    this.#call?.leave();
    this.#strip?.finish();
    if (this.#strip) keep('');
  }

  #letGo() {
    this.#call = null;
    this.#judging = false;
    this.#microphone?.stop();
    this.#camera?.stop();
    this.#microphone = this.#camera = null;
    this.#view.camera(null, false);
  }
}

/** @returns {TingqingStrip} */
function strip() {
  const made = /** @type {TingqingStrip} */ (document.createElement('tingqing-strip'));
  made.setAttribute('resumable', '');
  made.setAttribute('mode', 'visit');
  if (token) made.setAttribute('token', token);
  sayLine(made, address);
  return made;
}

/** @returns {TingqingDoctor} */
function meter() {
  const made = /** @type {TingqingDoctor} */ (document.createElement('tingqing-doctor'));
  if (token) made.setAttribute('token', token);
  made.setAttribute('session', session);
  made.setAttribute('heading', '2'); // the page has the first
  return made;
}

/** @param {MediaStreamConstraints} wanted */
async function track(wanted) {
  const why = obstacle();
  if (why) throw new MicrophoneError(why);
  try {
    const [first] = (await navigator.mediaDevices.getUserMedia(wanted)).getTracks();
    if (first) return first;
  } catch (error) {
    throw microphoneError(error);
  }
  throw new MicrophoneError(FailureCode.BROWSER_UNSUPPORTED);
}

/**
 * What the page is laid out for. The server decides who is who, by the same token.
 * @param {string | null} text a JSON Web Token (RFC 7519), of which only the claims are read
 * @returns {CallRole}
 */
function roleOf(text) {
  try {
    const claims = (text?.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    return text === null || JSON.parse(atob(claims)).scope === 'nudge' ? 'doctor' : 'patient';
  } catch {
    return 'patient';
  }
}

/** The seat that this tab has in the call: a patient's link works once. */
function kept() {
  try {
    return sessionStorage.getItem(SEAT) ?? '';
  } catch {
    return '';
  }
}

/** @param {string} seat */
function keep(seat) {
  try {
    if (seat) sessionStorage.setItem(SEAT, seat);
    else sessionStorage.removeItem(SEAT);
  } catch {
    // A browser that forbids it only loses the comfort.
  }
}

new Visit().show(/** @type {HTMLElement} */ (document.querySelector('main')));
