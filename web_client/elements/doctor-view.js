/** The doctor's element on the screen: built once, then updated. */

import { Bars } from '../drawing/bars.js';
import { inWordsOf, listed } from '../language/dictionary.js';
import { doctorText } from '../language/doctor-strings.js';
import { h, hide, mark, say, sayPhrases } from '../drawing/dom.js';
import { clock, measureRows } from '../language/measures.js';
import { rowsOfResult } from '../meter/rows.js';
import { isShown, needsTranscript, reasonOf, spanWhy, wordOf } from './doctor-words.js';
import { aroundLine, eventItem } from './heard.js';
import { saidItem, spoken } from './said.js';
import { HeardCard } from './heard-card.js';
import { NudgeCard } from './nudge-card.js';
import { hasNews, voiceItems } from './voices.js';
import { gradeShape } from '../drawing/shapes.js';
import { Trend } from '../drawing/trend.js';

/**
 * @import { Meter, Reading } from '../meter/meter.js'
 * @import { Language } from '../protocol/types.js'
 * @import { DoctorModel, Translate } from './doctor-words.js'
 * @import { DoctorActions } from './nudge-card.js'
 */

const SPANS_SHOWN = 6;

export class DoctorView {
  /** @param {ShadowRoot} root @param {DoctorActions} actions */
  constructor(root, actions) {
    this.#nudges = new NudgeCard(actions);
    this.#heard = new HeardCard(actions.heard);
    const card = (/** @type {(Node | string)[]} */ ...children) => h('section', { class: 'card' }, ...children);
    const right = h(
      'div',
      { class: 'stack' },
      this.#promptCard,
      card(this.#askTitle, this.#ask),
      this.#heard.element,
      this.#nudges.element,
      this.#saidCard,
      this.#voicesCard,
      this.#eventsCard,
    );
    // First what to do: on a phone the bars come below it, on a desk beside it. Numbers come last.
    const bars = h('section', { class: 'card labels' }, this.#barsTitle, this.#bars.element);
    const columns = h('div', { class: 'columns' }, right, bars, card(this.#measuresTitle, this.#measures));
    this.#stack.append(this.#title, this.#strip, this.#hero, columns, this.#noticesCard, this.#footer);
    root.append(this.#stack);
  }

  #nudges;
  #heard;
  #stack = h('div', { class: 'stack' });
  #title = h('h1', { class: 'unseen' });
  #bars = new Bars();
  #trend = new Trend();
  #strip = h('div', { class: 'strip' });
  #shape = h('div');
  #word = h('p', { class: 'word', part: 'word', role: 'status' });
  #reason = h('p', { class: 'reason', part: 'reason' });
  #around = h('p', { class: 'around', part: 'interference' });
  #hero = h(
    'section',
    { class: 'card hero' },
    h('div', { class: 'glance' }, this.#shape, h('div', {}, this.#word, this.#reason, this.#around)),
    this.#trend.element,
  );
  #barsTitle = h('h2');
  #promptTitle = h('h2');
  #prompt = h('div', { part: 'prompt' });
  #promptCard = h('section', { class: 'card' }, this.#promptTitle, this.#prompt);
  #askTitle = h('h2');
  #ask = h('ul', { class: 'list', part: 'ask-again' });
  #saidTitle = h('h2');
  #said = h('ul', { class: 'list', part: 'said' });
  #saidCard = h('section', { class: 'card' }, this.#saidTitle, this.#said);
  #voicesTitle = h('h2');
  #voices = h('ul', { class: 'list', part: 'voices' });
  #voicesCard = h('section', { class: 'card' }, this.#voicesTitle, this.#voices);
  #eventsTitle = h('h2');
  #events = h('ul', { class: 'list', part: 'events' });
  #eventsCard = h('section', { class: 'card' }, this.#eventsTitle, this.#events);
  #noticesTitle = h('h2');
  #notices = h('ul', { class: 'list quiet', part: 'notices' });
  #noticesCard = h('section', { class: 'card' }, this.#noticesTitle, this.#notices);
  #measuresTitle = h('h2');
  #measures = h('dl', { class: 'measures', part: 'measures' });
  #footer = h('p', { class: 'quiet footer' });
  #drawn = /** @type {Map<Element, string>} */ (new Map());

  /** @param {DoctorModel} model */
  render(model) {
    const { language, meter } = model;
    const t = inWordsOf(doctorText, language, model.texts);
    mark(this.#stack, 'lang', language);
    say(this.#title, t('doctorTitle'));
    this.#drawStrip(model, t);
    this.#drawGlance(model, t);
    const gone = isGone(model.reading);
    this.#trend.show(meter.trend, language, gone);
    say(this.#barsTitle, t('labels'));
    const labels = meter.result ? rowsOfResult(meter.result) : meter.rows();
    this.#bars.show(gone ? labels.map((row) => ({ ...row, score: null, why: null })) : labels, language);
    hide(this.#promptCard, meter.result !== null);
    say(this.#promptTitle, t('promptTitle'));
    this.#drawPrompts(model, t);
    this.#heard.render(model, t);
    this.#nudges.render(model, t);
    say(this.#askTitle, t('askAgain'));
    this.#drawAsk(model, t);
    this.#drawSaid(meter, language, t);
    this.#drawHeard(meter, language, gone, t);
    this.#drawVoices(meter, language, t);
    this.#drawNotices(meter, language, t);
    say(this.#measuresTitle, t('measures'));
    const rows = measureRows(meter.result?.measures ?? (gone ? {} : (meter.update?.measures ?? {})), language);
    this.#replace(this.#measures, rows.flat().join('|'), () =>
      rows.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]),
    );
    sayPhrases(this.#footer, t('noDiagnosis'));
  }

  /** @param {DoctorModel} model @param {Translate} t */
  #drawStrip({ state, meter, warnings, code }, t) {
    const shown = warnings.filter(isShown);
    const key = [state, code, meter.basicMode, meter.processed, shown, t('session')].join('|');
    this.#replace(this.#strip, key, () => [
      h('span', { class: 'quiet' }, t('session')),
      h('span', { class: 'code' }, code || '–'),
      h('span', { class: `pill ${state === 'live' ? 'live' : 'off'}` }, t(`state.${state}`)),
      ...(meter.basicMode ? [h('span', { class: 'pill', part: 'basic-mode' }, t('basicMode'))] : []),
      ...(meter.processed ? [h('span', { class: 'pill notice', part: 'processed' }, t('processed'))] : []),
      ...shown.map((warning) => h('span', { class: 'pill notice' }, t(`warning.${warning}`))),
    ]);
  }

  /** @param {DoctorModel} model @param {Translate} t */
  #drawGlance(model, t) {
    const { grade, cause } = model.reading;
    this.#replace(this.#shape, grade, () => [gradeShape(grade)]);
    mark(this.#hero, 'class', `card hero ${grade}`);
    mark(this.#word, 'class', `word ${grade}`);
    const { result } = model.meter;
    if (result) say(this.#word, t(`outcome.${result.overall.verdict}`));
    else say(this.#word, t(wordOf(cause) ?? `word.${grade}`));
    say(this.#reason, reasonOf(model, t));
  }

  /** @param {DoctorModel} model @param {Translate} t */
  #drawPrompts({ meter, language, reading }, t) {
    const prompts = [...meter.prompts.values()];
    const silent = reading.cause === 'silent';
    const declined = meter.nudging.declinedTexts(language);
    const key = prompts.map(({ text, audience, source }) => `${audience}${source}${text[language]}`);
    this.#replace(this.#prompt, JSON.stringify([language, key, silent, declined]), () => {
      const help = prompts.filter(({ audience }) => audience === 'doctor');
      // The patient's page sees for itself that the microphone is silent, and says only that.
      const told = silent ? [] : prompts.filter(({ audience }) => audience === 'patient');
      return [
        ...(silent ? [phrased(h('p', { class: 'told' }), t('microphoneSilent'))] : []),
        ...(silent || told.length ? [] : [h('p', { class: 'told none' }, t('noPrompt'))]),
        ...told.flatMap(({ text, source }) => [
          ...(source === 'doctor' ? [h('p', { class: 'quiet', part: 'source' }, t('askedByDoctor'))] : []),
          phrased(h('p', { class: 'told' }), text[language]),
        ]),
        ...help.map(({ text }) => h('p', { class: 'help' }, t('forYou', { prompt: text[language] }))),
        ...(declined.length
          ? [h('p', { class: 'quiet', part: 'declined' }, t('declined', { prompts: listed(declined, language) }))]
          : []),
      ];
    });
  }

  /** @param {DoctorModel} model @param {Translate} t */
  #drawAsk({ meter, language }, t) {
    const { result } = meter;
    const spans = result ? result.unusable_spans : meter.spans;
    const items = spans.slice(-SPANS_SHOWN).map((span) => ({
      at: `${clock(span.start_s)}–${clock(span.end_s)}`,
      what: spanWhy(span, meter, language, t),
    }));
    const unheardNames = (result?.not_heard ?? []).map((id) => result?.labels[id]?.title[language] ?? id);
    const notes = [
      ...(items.length ? [] : [t('askNothing')]),
      ...(unheardNames.length ? [t('notHeard', { names: listed(unheardNames, language) })] : []),
      ...(needsTranscript(meter) ? [t('notAssessed')] : []),
    ];
    this.#replace(this.#ask, JSON.stringify([items, notes]), () => [
      ...items.map(({ at, what }) => h('li', {}, h('span', { class: 'at' }, at), what)),
      ...notes.map((note) => h('li', { class: 'quiet' }, note)),
    ]);
  }

  /** @param {Meter} meter @param {Language} language @param {Translate} t */
  #drawSaid(meter, language, t) {
    const { heard, missing } = spoken(meter);
    hide(this.#saidCard, heard.length + missing.length === 0);
    say(this.#saidTitle, t('said'));
    const names = missing.map(({ title }) => title[language]);
    this.#replace(this.#said, JSON.stringify([language, heard, names]), () => [
      ...heard.map((one) => saidItem(one, language, t)),
      ...(names.length ? [h('li', { class: 'quiet' }, t('notHeardYet', { names: listed(names, language) }))] : []),
    ]);
  }

  /** @param {Meter} meter @param {Language} language @param {boolean} gone @param {Translate} t */
  #drawHeard({ result, update, events }, language, gone, t) {
    say(this.#around, aroundLine(result?.interference ?? (gone ? [] : (update?.interference ?? [])), language, t));
    const told = (result?.events ?? events).slice(-SPANS_SHOWN);
    hide(this.#eventsCard, told.length === 0);
    say(this.#eventsTitle, t('events'));
    this.#replace(this.#events, JSON.stringify([language, told]), () => told.map((one) => eventItem(one, language)));
  }

  /** @param {Meter} meter @param {Language} language @param {Translate} t */
  #drawVoices({ result, update }, language, t) {
    const voices = result?.voices ?? update?.voices ?? [];
    hide(this.#voicesCard, !hasNews(voices));
    say(this.#voicesTitle, t('voices'));
    this.#replace(this.#voices, JSON.stringify([language, voices]), () => voiceItems(voices, language, t));
  }

  /** @param {Meter} meter @param {Language} language @param {Translate} t */
  #drawNotices({ notices }, language, t) {
    hide(this.#noticesCard, notices.length === 0);
    say(this.#noticesTitle, t('notices'));
    const told = notices.map((notice) => notice[language]);
    this.#replace(this.#notices, told.join('|'), () => told.map((text) => h('li', {}, text)));
  }

  /** Redraws only when `key` has changed. @param {Element} at @param {string} key @param {() => Node[]} draw */
  #replace(at, key, draw) {
    if (this.#drawn.get(at) === key) return;
    this.#drawn.set(at, key);
    at.replaceChildren(...draw());
  }
}

/** Whether the last values are out of date. The bars and measures are then dashed, as the grade is. */
function isGone(/** @type {Reading} */ { cause }) {
  return cause !== null && cause !== 'quiet' && cause !== 'ended';
}

/** @param {HTMLElement} at @param {string} text */
function phrased(at, text) {
  sayPhrases(at, text);
  return at;
}
