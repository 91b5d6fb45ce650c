// What ESLint checks in the web client and its unit tests. Direction of imports: tools/check_client_layers.py.

import path from 'node:path';

import js from '@eslint/js';
import globals from 'globals';
import tseslint from 'typescript-eslint';

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const SANS_IO = ['web_client/{protocol,meter,language}/**/*.js'];

export default tseslint.config(
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      complexity: ['error', { max: 10, variant: 'modified' }],
      curly: ['error', 'multi-line', 'consistent'],
      'default-case-last': 'error',
      eqeqeq: 'error',
      'max-len': ['error', { code: 120, ignoreStrings: true, ignoreTemplateLiterals: true }],
      'no-console': 'error',
      'no-else-return': 'error',
      'no-eval': 'error',
      'no-implicit-coercion': ['error', { allow: ['!!'] }],
      'no-implied-eval': 'error',
      'no-param-reassign': 'error',
      'no-promise-executor-return': 'error',
      'no-shadow': 'error',
      'no-throw-literal': 'error',
      'no-unused-vars': ['error', { args: 'all', argsIgnorePattern: '^_', caughtErrors: 'all' }],
      'no-useless-return': 'error',
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      'prefer-template': 'error',
      'require-await': 'error',
      'sort-imports': ['error', { ignoreCase: true, ignoreDeclarationSort: true }],
    },
  },
  {
    files: ['web_client/**/*.js', 'tests/browser/unit/**/*.mjs'],
    ignores: ['web_client/examples/**'], // plain JavaScript, as an integrator reads it
    plugins: { '@typescript-eslint': tseslint.plugin },
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { project: ['browser', 'worklet', 'tests'].map((name) => path.join(here, `${name}.json`)) },
    },
    rules: {
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-floating-promises': [
        'error',
        // The runner awaits its tests.
        { allowForKnownSafeCalls: [{ from: 'package', package: 'node:test', name: 'test' }] },
      ],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  { files: ['web_client/**/*.js'], languageOptions: { globals: globals.browser } },
  {
    files: ['web_client/examples/mini-program/*.js'],
    languageOptions: { globals: { Page: 'readonly', wx: 'readonly' } },
  },
  {
    files: ['web_client/examples/backend/*.mjs'],
    languageOptions: { globals: globals.node },
    rules: { 'no-console': 'off' },
  },
  { files: ['web_client/audio/worklet.js'], languageOptions: { globals: globals.audioWorklet } },
  { files: ['tests/browser/unit/**/*.mjs', 'tools/js/*.js'], languageOptions: { globals: globals.node } },
  {
    // The type checker knows neither the DOM nor timers here (sans-io.json); the language itself has a clock.
    files: SANS_IO,
    rules: { 'no-restricted-globals': ['error', 'Date'] },
  },
);
