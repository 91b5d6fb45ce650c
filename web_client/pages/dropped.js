/** The files of what was dropped or chosen, folders opened. */

/** @import { Chosen } from './upload-queue.js' */

/** What systems leave in folders. */
const LITTER = /^(\.|~\$|Thumbs\.db$|desktop\.ini$)/iu;

/** @param {FileList | null} files @returns {Chosen[]} */
export function chosenOf(files) {
  const chosen = [...(files ?? [])].map((file) => ({ name: file.webkitRelativePath || file.name, file }));
  return chosen.filter(({ file }) => !LITTER.test(file.name));
}

/** @param {DataTransfer} dropped read at once: it is empty after the event @returns {Promise<Chosen[]>} */
export async function droppedOf(dropped) {
  const entries = [...dropped.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  if (entries.length === 0) return chosenOf(dropped.files);
  const found = await Promise.all(entries.map((entry) => within(entry)));
  return found.flat();
}

/** @param {FileSystemEntry} entry @returns {Promise<Chosen[]>} none of what cannot be read */
async function within(entry) {
  if (LITTER.test(entry.name)) return [];
  if (entry.isFile) {
    const file = await read(/** @type {FileSystemFileEntry} */ (entry)).catch(() => null);
    return file ? [{ name: entry.fullPath.replace(/^\//u, ''), file }] : [];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const found = [];
  // A browser gives a large folder in pieces, the last of which is empty.
  for (let piece = await entriesOf(reader); piece.length > 0; piece = await entriesOf(reader)) {
    found.push(...(await Promise.all(piece.map((each) => within(each)))));
  }
  return found.flat();
}

/** @param {FileSystemFileEntry} entry @returns {Promise<File>} */
function read(entry) {
  return new Promise((resolve, reject) => {
    entry.file(resolve, reject);
  });
}

/** @param {FileSystemDirectoryReader} reader @returns {Promise<FileSystemEntry[]>} */
function entriesOf(reader) {
  return new Promise((resolve) => {
    reader.readEntries(resolve, () => resolve([]));
  });
}
