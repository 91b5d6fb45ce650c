/** `<tingqing-strip>`: `<tingqing-patient>` in 200 px, for the corner of a call: the same attributes and methods. */

import { base } from '../drawing/styles.js';
import { TingqingPatient } from './patient-element.js';
import { stripSheet, StripView } from './strip-view.js';

/** @import { PatientActions } from './patient-words.js' */

export class TingqingStrip extends TingqingPatient {
  /** @protected @override @param {ShadowRoot} root @param {PatientActions} actions */
  makeScreen(root, actions) {
    root.adoptedStyleSheets = [base, stripSheet];
    return new StripView(root, actions);
  }
}
