import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Edit } from './mutants.js';

/** A copy of the work tree, as it is now, in which files may be broken: nobody else sees it. */
export interface Scratch {
  readonly folder: string;
  /** Makes the edits; resolves to what undoes them. Throws, with nothing changed, where a text is not there exactly once. */
  apply(edits: readonly Edit[]): Promise<() => Promise<void>>;
  remove(): Promise<void>;
}

export async function makeScratch(root: string): Promise<Scratch> {
  const folder = await mkdtemp(join(tmpdir(), 'rivulet-mutants-'));
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: root });
  for (const file of new Set(listed.toString().split('\0').filter(Boolean))) {
    if (file === 'node_modules') continue;
    await mkdir(join(folder, dirname(file)), { recursive: true });
    // A file that was deleted and not committed is listed.
    await cp(join(root, file), join(folder, file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  return {
    folder,
    apply: async (edits) => {
      const before = new Map<string, string>();
      const after = new Map<string, string>();
      for (const { file, from, to } of edits) {
        const text = after.get(file) ?? (await readFile(join(folder, file), 'utf8'));
        if (!before.has(file)) before.set(file, text);
        const found = text.split(from).length - 1;
        if (found !== 1) throw new Error(`${file} has this ${found} times, not once:\n${from}`);
        after.set(
          file,
          text.replace(from, () => to),
        );
      }
      for (const [file, text] of after) await writeFile(join(folder, file), text);
      return async () => {
        for (const [file, text] of before) await writeFile(join(folder, file), text);
      };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
