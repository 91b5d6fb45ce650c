/** The page of a call on the screen: the other side's picture, one sentence, and what one can do. */

import { h, mark, say, sayPhrases } from '../drawing/dom.js';
import { isGone, isRefused } from '../elements/patient-state.js';
import { linkSentence } from '../elements/patient-words.js';
import { verdictBlock } from '../elements/upload.js';
import { inWordsOf } from '../language/dictionary.js';
import { patientText } from '../language/patient-strings.js';
import { visitText } from '../language/visit-strings.js';
import { FailureCode } from '../protocol/failures.js';

/**
 * @import { CallState } from '../client/call.js'
 * @import { ToldFailure } from '../client/client-state.js'
 * @import { CallRole } from '../protocol/types.js'
 * @import { VisitKey } from '../language/visit-strings.js'
 * @import { Language, Result } from '../protocol/types.js'
 *
 * @typedef {CallState | {kind: 'asking'} | {kind: 'incomplete'}} VisitState
 * @typedef {{join: () => void, mute: () => void, camera: () => void, leave: () => void}} VisitActions
 */

const OUTSIDE = new Set(['idle', 'ended', 'failed', 'incomplete', 'asking']);

export class VisitView {
  /** @param {CallRole} role @param {HTMLElement | null} judging the element that judges, or shows the judgement
   * @param {VisitActions} actions */
  constructor(role, judging, actions) {
    const on = (/** @type {() => void} */ act) => ({ type: 'button', onclick: () => act() });
    this.#role = role;
    this.#join = h('button', { class: 'main', id: 'join', ...on(actions.join) });
    this.#mute = h('button', { id: 'mute', ...on(actions.mute) });
    this.#camera = h('button', { id: 'camera', ...on(actions.camera) });
    this.#leave = h('button', { id: 'leave', ...on(actions.leave) });
    this.#controls = h('div', { class: 'controls', hidden: true }, this.#mute, this.#camera, this.#leave);
    this.#corner = h('div', { class: role === 'patient' ? 'corner' : 'below' }, ...(judging ? [judging] : []));
    this.#stage = h(
      'section',
      { class: 'stage' },
      this.#title,
      this.#remote,
      this.#own,
      this.#intro,
      this.#sentence,
      this.#verdict,
      this.#join,
    );
    this.element = h('div', { class: `visit ${role}`, 'data-role': role }, this.#stage, this.#controls, this.#corner);
    this.#remote.autoplay = this.#own.autoplay = true;
    this.#remote.playsInline = this.#own.playsInline = true;
    this.#own.muted = true;
    if (role === 'patient') this.#corner.hidden = true;
  }

  #role;
  #language = /** @type {Language} */ ('en');
  #state = /** @type {VisitState} */ ({ kind: 'idle' });
  #result = /** @type {Result | null | undefined} */ (undefined);
  #muted = false;
  #noCamera = false;
  #title = h('h1');
  #intro = h('p', { class: 'intro' });
  #remote = /** @type {HTMLVideoElement} */ (h('video', { id: 'remote' }));
  #own = /** @type {HTMLVideoElement} */ (h('video', { id: 'own', hidden: true }));
  #sentence = h('p', { class: 'sentence', role: 'status', tabindex: '-1' });
  #verdict = h('div', { class: 'verdict', hidden: true });
  #join;
  #mute;
  #camera;
  #leave;
  #controls;
  #corner;
  #stage;
  #drawn = '';

  element;

  /** @param {Language} language */
  speak(language) {
    this.#language = language;
    this.#draw();
  }

  /** @param {VisitState} state */
  become(state) {
    this.#state = state;
    if (state.kind === 'connecting') this.#result = undefined;
    this.#draw();
  }

  /** @param {boolean} muted */
  set muted(muted) {
    this.#muted = muted;
    this.#draw();
  }

  /** The other side; null: nobody. @param {MediaStream | null} stream */
  show(stream) {
    this.#remote.srcObject = stream;
    this.#stage.classList.toggle('seen', Boolean(stream?.getVideoTracks().length));
    if (stream) void this.#remote.play().catch(() => {}); // it plays once somebody has pressed something
  }

  /** One's own picture. @param {MediaStreamTrack | null} track @param {boolean} refused */
  camera(track, refused) {
    this.#own.srcObject = track && new MediaStream([track]);
    this.#own.hidden = track === null;
    this.#noCamera = refused;
    this.#draw();
  }

  /** What became of the patient's sound, at the end. @param {Result | null} result */
  judged(result) {
    this.#result = result;
    this.#draw();
  }

  #draw() {
    const t = (/** @type {VisitKey} */ key) => visitText(key, this.#language);
    const { kind } = this.#state;
    const outside = OUTSIDE.has(kind);
    const focused = document.activeElement;
    mark(this.element, 'data-state', kind);
    this.#drawStage(t);
    this.#drawControls(outside, t);
    if (this.#role === 'patient') this.#corner.hidden = outside;
    this.#drawVerdict();
    const lost = focused instanceof HTMLElement && focused !== document.body && !focused.checkVisibility();
    if (lost) this.#sentence.focus();
  }

  /** @param {(key: VisitKey) => string} t */
  #drawStage(t) {
    const { kind } = this.#state;
    sayPhrases(this.#title, t(`title.${this.#role}`));
    this.#title.classList.toggle('unseen', kind !== 'idle');
    say(this.#intro, t(`intro.${this.#role}`));
    this.#intro.hidden = kind !== 'idle';
    sayPhrases(this.#sentence, this.#said(t));
    say(this.#join, t(kind === 'idle' ? 'join' : 'again'));
    // A patient who has left has nothing to come back to: the link worked once.
    this.#join.hidden = !(kind === 'idle' || kind === 'failed' || kind === 'ended') || this.#isOver || this.#isRefused;
  }

  /** @param {boolean} hidden @param {(key: VisitKey) => string} t */
  #drawControls(hidden, t) {
    this.#controls.hidden = hidden;
    say(this.#mute, t(this.#muted ? 'unmute' : 'mute'));
    mark(this.#mute, 'aria-pressed', String(this.#muted));
    say(this.#camera, t(this.#own.hidden ? 'camera' : 'cameraOff'));
    say(this.#leave, t('leave'));
    mark(this.#remote, 'aria-label', t('remote'));
    mark(this.#own, 'aria-label', t('own'));
  }

  get #isOver() {
    return this.#state.kind === 'ended' && this.#role === 'patient';
  }

  /** The link opens nothing. Who has none may sign in meanwhile, and join then. */
  get #isRefused() {
    const state = this.#state;
    if (state.kind !== 'failed' || !(isRefused(state) || isGone(state))) return false;
    return this.#role === 'patient' || state.failure.code !== FailureCode.UNAUTHORIZED;
  }

  /** @param {(key: VisitKey) => string} t @returns {string} */
  #said(t) {
    const state = this.#state;
    switch (state.kind) {
      case 'idle':
        return '';
      case 'incomplete':
        return t('noSession');
      case 'asking':
        return t('allow');
      case 'waiting':
        return t(`${state.left ? 'left' : 'waiting'}.${this.#role}`);
      case 'linked':
        return this.#noCamera ? t('noCamera') : t(`linked.${this.#role}`);
      case 'failed':
        return this.#failed(state.failure);
      case 'connecting':
      case 'finding':
      case 'broken':
      case 'reconnecting':
      case 'ended':
        return t(state.kind);
    }
  }

  /** @param {ToldFailure} failure @returns {string} */
  #failed({ code, remedy }) {
    const ask = this.#role === 'patient' && this.#isRefused;
    return (ask && linkSentence(code, inWordsOf(patientText, this.#language))) || remedy[this.#language];
  }

  #drawVerdict() {
    // Anything else would ask for another try, to which the link does not lead; the doctor knows.
    const shown = this.#isOver && this.#result?.overall.verdict === 'accept';
    const drawn = shown ? `${this.#result?.id} ${this.#language}` : '';
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#verdict.hidden = !shown;
    this.#verdict.replaceChildren(
      ...(shown ? [verdictBlock(this.#result ?? null, inWordsOf(patientText, this.#language))] : []),
    );
  }
}
