/** For pages that embed the elements. Importing this module defines all of them. */

import { TingqingCheck } from './elements/check-element.js';
import { define } from './elements/define.js';
import { TingqingDoctor } from './elements/doctor-element.js';
import { TingqingPatient } from './elements/patient-element.js';
import { TingqingStrip } from './elements/strip-element.js';

export * from './headless.js';
export { TingqingCheck, TingqingDoctor, TingqingPatient, TingqingStrip };

for (const [name, element] of Object.entries({
  'tingqing-check': TingqingCheck,
  'tingqing-doctor': TingqingDoctor,
  'tingqing-patient': TingqingPatient,
  'tingqing-strip': TingqingStrip,
})) {
  define(name, element);
}
