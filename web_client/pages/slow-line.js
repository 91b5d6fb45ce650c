/** How much the line can carry, as the address says: `?line=half`. */

/**
 * For the patient's elements; the doctor's sends no sound.
 * @param {HTMLElement} element which takes what is mistyped for `full`
 * @param {URL} address of the page
 */
export function sayLine(element, address) {
  const line = address.searchParams.get('line');
  if (line && element.localName !== 'tingqing-doctor') element.setAttribute('line', line);
}
