import { type Profiler, Session } from 'node:inspector/promises';
import type { ProfiledFunction, TargetApi } from './target-api.js';

/** The part of a target that is the same for all: its use of processor and memory, and a profile. */
export function measures(): Pick<TargetApi, 'usage' | 'startProfile' | 'stopProfile'> {
  let session: Session | undefined;
  return {
    usage: () => {
      const { user, system } = process.cpuUsage();
      return { cpuMicros: user + system, memoryMb: process.memoryUsage.rss() / 1024 ** 2 };
    },
    startProfile: async () => {
      session = new Session();
      session.connect();
      await session.post('Profiler.enable');
      await session.post('Profiler.setSamplingInterval', { interval: 500 });
      await session.post('Profiler.start');
    },
    stopProfile: async () => {
      const { profile } = await session!.post('Profiler.stop');
      session!.disconnect();
      return hottest(profile);
    },
  };
}

/** `dispatch` is the profiler itself, being started. */
function hottest(profile: Profiler.Profile): readonly ProfiledFunction[] {
  const spent = new Map<string, { name: string; file: string; micros: number }>();
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const { samples = [], timeDeltas = [] } = profile;
  let busy = 0;
  for (const [at, id] of samples.entries()) {
    const { functionName, url, lineNumber } = nodes.get(id)!.callFrame;
    const micros = timeDeltas[at] ?? 0;
    if (functionName === '(idle)' || (functionName === 'dispatch' && url === '')) continue;
    busy += micros;
    const name = functionName || '(anonymous)';
    const file = url === '' ? '' : `${shortened(url)}:${lineNumber + 1}`;
    const entry = spent.get(`${name} ${file}`) ?? { name, file, micros: 0 };
    entry.micros += micros;
    spent.set(`${name} ${file}`, entry);
  }
  return [...spent.values()]
    .sort((a, b) => b.micros - a.micros)
    .slice(0, 40)
    .map(({ name, file, micros }) => ({ name, file, selfMs: micros / 1_000, share: micros / busy }));
}

function shortened(url: string): string {
  return url.replace(/^file:\/\//, '').replace(/^.*\/(node_modules|bench-build)\//, '');
}
