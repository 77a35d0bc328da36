import { type Profiler, Session } from 'node:inspector/promises';
import type { ProfiledFunction, TargetApi } from './target-api.js';

/** The part of a target that is the same for all: its use of processor and memory, and a profile. */
export function measures(): Pick<TargetApi, 'usage' | 'startProfile' | 'stopProfile'> {
  let session: Session | undefined;
  let peak = 0;
  setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 20).unref();
  return {
    usage: ({ collect }) => {
      if (collect) for (let turn = 0; turn < 3; turn++) globalThis.gc?.();
      const { user, system } = process.cpuUsage();
      const { rss, heapUsed, external } = process.memoryUsage();
      const highest = Math.max(peak, rss);
      peak = 0;
      return {
        cpuMicros: user + system,
        memoryMb: rss / 1024 ** 2,
        peakMemoryMb: highest / 1024 ** 2,
        heldMb: (heapUsed + external) / 1024 ** 2,
      };
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
