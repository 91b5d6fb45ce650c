/** `npm run release -- FOLDER`: the client as one classic script with its worklet, and the types of all modules. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('Name the folder to write to: npm run release -- FOLDER');
const client = fileURLToPath(new URL('../../web_client/', import.meta.url));

/**
 * Private members as ordinary ones of a letter or two: the target has none, and each would become a WeakMap of its own,
 * a tenth of the script. Who misses one breaks the build, for a private name must be declared.
 *
 * @type {import('esbuild').Plugin}
 */
const shortened = {
  name: 'private members',
  setup({ onLoad }) {
    onLoad({ filter: /\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace(/(?<=\bthis\.|^ {2}(?:async |get |\*)?)#(?=[a-zA-Z])/gm, '_$'),
      loader: 'js',
    }));
  },
};
/** @satisfies {import('esbuild').BuildOptions} */
const bundled = {
  bundle: true,
  format: 'iife',
  minify: true,
  target: 'es2020', // WebViews of phones some six years old
  plugins: [shortened],
  mangleProps: /^_\$/,
};

await build({
  ...bundled,
  entryPoints: [`${client}client/classic.js`],
  outfile: `${folder}/tingqing-client.js`,
  globalName: 'Tingqing',
  // The worklet's address comes from the script's own; see client/classic.js.
  logOverride: { 'empty-import-meta': 'silent' },
});
await build({ ...bundled, entryPoints: [`${client}audio/worklet.js`], outfile: `${folder}/tingqing-worklet.js` });
const tsc = fileURLToPath(new URL('node_modules/typescript/bin/tsc', import.meta.url));
const base = fileURLToPath(new URL('browser.json', import.meta.url));
execFileSync(
  process.execPath,
  [tsc, '-p', base, '--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--rootDir', client, '--outDir', `${folder}/types`],
  { stdio: 'inherit' },
);
