/** `npm run examples -- FOLDER`: the examples in React and Vue, compiled to one script each for their pages. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';
import { compileScript, parse } from 'vue/compiler-sfc';

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('Name the folder to write to: npm run examples -- FOLDER');
const examples = fileURLToPath(new URL('../../web_client/examples/', import.meta.url));

/** Single-file components, as Vite's plugin compiles them. */
const vue = {
  name: 'vue',
  setup({ onLoad }) {
    onLoad({ filter: /\.vue$/ }, ({ path }) => {
      const { descriptor } = parse(readFileSync(path, 'utf8'), { filename: path });
      // What an integrator sets too: our elements are no components of theirs.
      const compilerOptions = { isCustomElement: (tag) => tag.startsWith('tingqing-') };
      const compiled = compileScript(descriptor, { id: path, inlineTemplate: true, templateOptions: { compilerOptions } });
      return { contents: compiled.content, loader: 'js' };
    });
  },
};

await build({
  entryPoints: { react: `${examples}react/app.jsx`, vue: `${examples}vue/app.js` },
  outdir: folder,
  entryNames: '[name].bundle',
  bundle: true,
  format: 'esm',
  minify: true,
  target: 'es2022',
  jsx: 'automatic',
  nodePaths: [fileURLToPath(new URL('node_modules', import.meta.url))],
  plugins: [vue],
  define: {
    'process.env.NODE_ENV': '"production"',
    __VUE_OPTIONS_API__: 'false',
    __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
  },
});
