import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A disk that can be full: a tmpfs of a few megabytes. */
export interface SmallDisk {
  readonly folder: string;
  /** Takes all the room that is left. */
  fill(): Promise<void>;
  /** Gives it back. */
  free(): Promise<void>;
  /** Makes the disk larger. */
  grow(megabytes: number): void;
  /** Unmounts it, whoever still uses it. Twice is fine. */
  remove(): void;
}

const CHUNK = Buffer.alloc(64 * 1_024);

/** Mounts one; a text that says why where that is not allowed here. */
export function mountSmallDisk(megabytes: number): SmallDisk | string {
  const folder = mkdtempSync(join(tmpdir(), 'rivulet-disk-'));
  const mount = (...options: string[]) =>
    execFileSync('mount', options, { stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    mount('-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'tmpfs', folder);
  } catch (error) {
    rmdirSync(folder);
    const { stderr } = error as { stderr?: Buffer };
    return `no tmpfs can be mounted here (${String(stderr ?? error).trim()})`;
  }
  const ballast = join(folder, 'ballast');
  let isMounted = true;
  return {
    folder,
    fill: async () => {
      const file = await open(ballast, 'a');
      try {
        for (let size = CHUNK.length; size >= 4_096; size /= 2) {
          for (;;) {
            const { bytesWritten } = await file
              .write(CHUNK.subarray(0, size))
              .catch(() => ({ bytesWritten: 0 }));
            if (bytesWritten < size) break;
          }
        }
      } finally {
        await file.close();
      }
    },
    free: () => rm(ballast, { force: true }),
    grow: (to) => mount('-o', `remount,size=${to}m`, folder),
    remove: () => {
      if (!isMounted) return;
      isMounted = false;
      execFileSync('umount', ['--lazy', folder]);
      rmdirSync(folder);
    },
  };
}
