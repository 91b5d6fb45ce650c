/**
 * A code that two people can read to each other to know that they see the same session.
 * @param {string} id
 * @returns {string}
 */
export function shortCode(id) {
  return id
    .replace(/[^a-z0-9]/gi, '')
    .slice(0, 6)
    .toUpperCase();
}
