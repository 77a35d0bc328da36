import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** The program of a server node, in one file: a node starts several times a test, and most of that would be reading sources. */
export interface NodeProgram {
  readonly file: string;
  remove(): Promise<void>;
}

/** Builds it from the sources as they are now; nothing of `dist` is in it. */
export async function buildNode(): Promise<NodeProgram> {
  // Inside the project, so that its packages are found from there.
  const folder = join(ROOT, '.rivulet/fault', `${process.pid}-${process.hrtime.bigint()}`);
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'warn',
    resolve: { alias: { rivulet: join(ROOT, 'src/index.ts') } },
    build: {
      ssr: join(ROOT, 'tests/support/faults/serve.ts'),
      outDir: folder,
      target: 'node20',
      minify: false,
      rollupOptions: { output: { entryFileNames: 'serve.mjs' } },
    },
  });
  return {
    file: join(folder, 'serve.mjs'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
