/**
 * `npm run release -- FOLDER`: the npm package, to be published from there: the modules as they are, the types of all,
 * and for pages without modules the client as one classic script with its worklet.
 */

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('Name the folder to write to: npm run release -- FOLDER');
const client = fileURLToPath(new URL('../../web_client/', import.meta.url));

const root = fileURLToPath(new URL('../../', import.meta.url));
const { files } = JSON.parse(readFileSync(`${client}package.json`, 'utf8'));

mkdirSync(folder, { recursive: true });
// What is missing is made below.
for (const name of ['package.json', 'README.md', ...files]) {
  if (existsSync(`${client}${name}`)) cpSync(`${client}${name}`, `${folder}/${name}`, { recursive: true });
}
for (const name of ['LICENSE', 'NOTICE']) cpSync(`${root}${name}`, `${folder}/${name}`);

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
