/** `/dashboard`: how many recordings of a site were good at once, and what was wrong with the others. */

import { showToStaff } from './staff-page.js';
import { columnChart } from '../drawing/columns.js';
import { h, mark, say } from '../drawing/dom.js';
import { recordsText } from '../language/records-strings.js';
import { siteStats, titles } from '../transport/records.js';

/**
 * @import { RecordsKey } from '../language/records-strings.js'
 * @import { Language } from '../protocol/types.js'
 * @import { Figures, Share, Stats, Titles } from '../transport/records.js'
 */

const SPANS = /** @type {const} */ ([7, 30, 90, 365]);
const TILES = /** @type {const} */ (['first_pass', 'in_the_end', 'retried', 'followed', 'usable_soon']);
const DAY_MS = 86_400_000;

class Dashboard {
  /** @param {(key: RecordsKey | null) => void} tell */
  constructor(tell) {
    this.#tell = tell;
    const chosen = () => void this.run();
    this.#span = choice('span', chosen);
    this.#department = choice('department', chosen);
    this.#labelSet = choice('labelSet', chosen);
    this.element.append(
      this.#title,
      h('form', { class: 'choices' }, this.#span.label, this.#department.label, this.#labelSet.label),
      this.#body,
    );
  }

  #tell;
  #span;
  #department;
  #labelSet;
  #language = /** @type {Language} */ ('en');
  #stats = /** @type {Stats | null} */ (null);
  #whole = /** @type {Stats | null} */ (null);
  #titles = { labels: /** @type {Titles} */ (new Map()), sets: /** @type {Titles} */ (new Map()) };
  #turns = 0;
  #title = h('h1');
  #body = h('div', { 'aria-live': 'polite' });
  element = h('section', { class: 'figures' });

  async run() {
    const turn = ++this.#turns; // who chooses again before the answer wants the last one
    if (this.#titles.sets.size === 0) this.#titles = await titles();
    const days = Number(this.#span.select.value || 30);
    const until = new Date();
    const since = new Date(until.getTime() - (days - 1) * DAY_MS);
    const query = new URLSearchParams({ from: dateOf(since), to: dateOf(until) });
    const whole = await siteStats(query);
    if (typeof whole === 'string') return this.#refused(whole);
    if (this.#department.select.value) query.set('department', this.#department.select.value.slice(1));
    if (this.#labelSet.select.value) query.set('labels', this.#labelSet.select.value.slice(1));
    const found = query.has('department') || query.has('labels') ? await siteStats(query) : whole;
    if (typeof found === 'string') return this.#refused(found);
    if (turn !== this.#turns) return;
    this.#whole = whole;
    this.#stats = found;
    this.#tell(null);
    this.speak(this.#language);
  }

  /** @param {import('../transport/records.js').Refusal} why */
  #refused(why) {
    if (why === 'signed out') location.reload();
    else this.#tell(why);
  }

  /** @param {Language} language */
  speak(language) {
    this.#language = language;
    const t = (/** @type {RecordsKey} */ key) => recordsText(key, language);
    say(this.#title, t('dashboard'));
    this.#span.show(
      t('span'),
      SPANS.map((days) => [String(days), t(`span.${days}`)]),
      '30',
    );
    const names = (
      /** @type {Figures[]} */ of,
      /** @type {RecordsKey} */ none,
      /** @type {(key: string) => string} */ shown = (key) => key,
    ) => /** @type {[string, string][]} */ (of.map(({ key }) => [`=${key}`, key ? shown(key) : t(none)]));
    const { by_department: departments = [], by_label_set: sets = [] } = this.#whole ?? {};
    this.#department.show(t('department'), [['', t('everyDepartment')], ...names(departments, 'noDepartment')], '');
    this.#labelSet.show(t('labelSet'), [['', t('everyLabelSet')], ...names(sets, 'ownLabels', this.#setTitle)], '');
    if (this.#stats) this.#draw(this.#stats);
  }

  /** @param {Stats} stats */
  #draw(stats) {
    const language = this.#language;
    const t = (/** @type {RecordsKey} */ key, /** @type {Record<string, string>} */ values = {}) =>
      recordsText(key, language, values);
    const { whole, before } = stats;
    if (whole.results === 0) {
      this.#body.replaceChildren(h('p', {}, t('nothing')));
      return;
    }
    const median = whole.usable_median_s;
    const count = String(whole.results);
    const long =
      whole.hours < 1
        ? t('resultsMinutes', { count, minutes: String(Math.round(60 * whole.hours)) })
        : t('results', { count, hours: String(whole.hours) });
    this.#body.replaceChildren(
      h('p', {}, long),
      h('ul', { class: 'tiles' }, ...TILES.map((name) => this.#tile(t(name), whole[name], before[name]))),
      whole.usable_soon.total === 0
        ? ''
        : h('p', {}, median === null ? t('noMedian') : t('median', { seconds: String(median) })),
      h('h2', {}, t('byDay')),
      columnChart(
        stats.by_day.map(({ key, first_pass: { rate, low, high } }) => ({ name: key.slice(5), rate, low, high })),
        t('chart', { days: String(stats.by_day.length) }),
      ),
      h('details', {}, h('summary', {}, t('table')), this.#table(t('day'), stats.by_day, '')),
      h('h2', {}, t('worst')),
      this.#worst(whole),
      h('h2', {}, t('byDepartment')),
      this.#table(t('department'), stats.by_department, t('noDepartment')),
      h('h2', {}, t('byLabelSet')),
      this.#table(t('labelSet'), stats.by_label_set, t('ownLabels'), this.#setTitle),
    );
  }

  /** @param {string} title @param {Share} now @param {Share} before */
  #tile(title, now, before) {
    const t = (/** @type {RecordsKey} */ key, /** @type {Record<string, string>} */ values) =>
      recordsText(key, this.#language, values);
    const points = now.rate === null || before.rate === null ? 0 : Math.round(100 * (now.rate - before.rate));
    return h(
      'li',
      {},
      h('span', {}, title),
      h('b', {}, now.rate === null ? '–' : percent(now.rate)),
      h('small', {}, shareText(now, this.#language)),
      points === 0 ? '' : h('small', {}, t(points > 0 ? 'up' : 'down', { points: String(Math.abs(points)) })),
    );
  }

  /** @param {Figures} whole */
  #worst(whole) {
    const t = (/** @type {RecordsKey} */ key) => recordsText(key, this.#language);
    const rows = whole.worst.map((one) => [
      this.#titles.labels.get(one.id)?.[this.#language] ?? one.id,
      percent(one.rate ?? 0),
      shareText(one, this.#language),
    ]);
    return rows.length ? table([t('name'), t('failed'), t('interval')], rows) : h('p', {}, t('noShare'));
  }

  #setTitle = (/** @type {string} */ names) =>
    names
      .split('+')
      .map((name) => this.#titles.sets.get(name)?.[this.#language] ?? name)
      .join(' + ');

  /** @param {string} first @param {Figures[]} groups @param {string} none @param {(key: string) => string} shown */
  #table(first, groups, none, shown = (key) => key) {
    const t = (/** @type {RecordsKey} */ key) => recordsText(key, this.#language);
    const rows = groups.map((one) => [
      one.key ? shown(one.key) : none,
      String(one.results),
      one.first_pass.rate === null ? '–' : percent(one.first_pass.rate),
      shareText(one.first_pass, this.#language),
    ]);
    return table([first, t('count'), t('first_pass'), t('interval')], rows);
  }
}

/** @param {Share} share @param {Language} language */
function shareText({ count, total, low, high }, language) {
  if (low === null || high === null) return recordsText('noShare', language);
  const [from, to] = [low, high].map((rate) => String(Math.round(100 * rate)));
  return recordsText('share', language, {
    count: String(count),
    total: String(total),
    low: from ?? '',
    high: to ?? '',
  });
}

/** @param {number} rate */
function percent(rate) {
  return `${Math.round(100 * rate)} %`;
}

/** @param {Date} at @returns {string} the day here, 2026-03-01 */
function dateOf(at) {
  const two = (/** @type {number} */ number) => String(number).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** @param {string[]} heads @param {string[][]} rows */
function table(heads, rows) {
  return h(
    'div',
    { class: 'scrolls', tabindex: '0' },
    h(
      'table',
      {},
      h('thead', {}, h('tr', {}, ...heads.map((title) => (title ? h('th', { scope: 'col' }, title) : h('td'))))),
      h(
        'tbody',
        {},
        ...rows.map(([name = '', ...cells]) =>
          h('tr', {}, h('th', { scope: 'row' }, name), ...cells.map((cell) => h('td', {}, cell))),
        ),
      ),
    ),
  );
}

/** @param {string} name @param {() => void} onchange */
function choice(name, onchange) {
  const title = h('span');
  const select = /** @type {HTMLSelectElement} */ (h('select', { name, onchange }));
  /** @param {string} text @param {[string, string][]} options @param {string} usual */
  const show = (text, options, usual) => {
    say(title, text);
    const chosen = options.some(([value]) => value === select.value) && select.options.length ? select.value : usual;
    select.replaceChildren(...options.map(([value, shown]) => h('option', { value }, shown)));
    select.value = chosen;
    mark(select, 'data-options', String(options.length));
  };
  return { label: h('label', {}, title, select), select, show };
}

await showToStaff((tell) => new Dashboard(tell));
