/** `npm run release -- FOLDER`: the client as one classic script with its worklet, and the types of all modules. */

import { execFileSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('Name the folder to write to: npm run release -- FOLDER');
const client = fileURLToPath(new URL('../../web_client/', import.meta.url));

await build({
  entryPoints: [`${client}client/classic.js`],
  outfile: `${folder}/tingqing-client.js`,
  bundle: true,
  format: 'iife',
  globalName: 'Tingqing',
  minify: true,
  target: 'es2020', // WebViews of phones some six years old
  // The worklet's address comes from the script's own; see client/classic.js.
  logOverride: { 'empty-import-meta': 'silent' },
});
copyFileSync(`${client}audio/worklet.js`, `${folder}/tingqing-worklet.js`);
const tsc = fileURLToPath(new URL('node_modules/typescript/bin/tsc', import.meta.url));
const base = fileURLToPath(new URL('browser.json', import.meta.url));
execFileSync(
  process.execPath,
  [tsc, '-p', base, '--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--rootDir', client, '--outDir', `${folder}/types`],
  { stdio: 'inherit' },
);
