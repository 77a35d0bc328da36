// Measures what a front end downloads: `npm run size` prints the table of docs/bundle-size.md and
// fails if the page is not true.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** Entry, code that uses it, goal in kB (gzip). */
const ENTRIES = [
  ['rivulet-client/urql', "export * from './client/urql/index.ts'", 40],
  ['rivulet-client/apollo', "export * from './client/apollo/index.ts'", 40],
  ['sync of rivulet-client', "export { sync } from './client/core/index.ts'", 15],
  ['createSseClient of rivulet-client', "export { createSseClient } from './client/core/index.ts'", 5],
];
/** Difference between the page and a measurement at which the page has to be written anew. */
const TOLERANCE = 0.02;

const root = fileURLToPath(new URL('..', import.meta.url));
const page = readFileSync(new URL('../docs/bundle-size.md', import.meta.url), 'utf8');

/**
 * The code that is loaded at once: chunks of dynamic imports are loaded only if they are needed.
 */
async function measure(contents) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    metafile: true,
    outdir: root,
    external: ['graphql', 'graphql/*', '@urql/*', '@apollo/*', 'wonka', 'rxjs'],
    logLevel: 'error',
  });
  const paths = Object.keys(metafile.outputs);
  const loaded = new Set();
  const load = (path) => {
    if (loaded.has(path)) return;
    loaded.add(path);
    for (const { path: to, kind } of metafile.outputs[path].imports) {
      if (kind === 'import-statement' && paths.includes(to)) load(to);
    }
  };
  load(paths.find((path) => metafile.outputs[path].entryPoint === '<stdin>'));
  const texts = outputFiles.filter(({ path }) => [...loaded].some((each) => path.endsWith(`/${each}`)));
  const code = Buffer.concat(texts.map((file) => file.contents));
  return { minified: code.length, gzip: gzipSync(code, { level: 9 }).length };
}

const kB = (bytes) => (bytes / 1000).toFixed(1);
const problems = [];
console.log('| import | minified (kB) | gzip (kB) | goal (kB) |\n| --- | --- | --- | --- |');
for (const [name, code, goal] of ENTRIES) {
  const { minified, gzip } = await measure(code);
  console.log(`| ${name} | ${kB(minified)} | ${kB(gzip)} | ${goal} |`);
  const row = page.split('\n').find((line) => line.replaceAll('`', '').startsWith(`| ${name} |`));
  const written = Number(row?.split('|')[3]) * 1000;
  if (!(Math.abs(gzip - written) <= written * TOLERANCE))
    problems.push(`docs/bundle-size.md is not true of ${name}`);
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
