// Runs the tests of the packed packages on every supported Node: `npm run test:nodes`, or with
// versions: `npm run test:nodes -- 22`.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const VERSIONS = ['20.19', '22', '24'];
const cwd = fileURLToPath(new URL('..', import.meta.url));
const binary = `node-${process.platform}-${process.arch}`;
const wanted = process.argv.slice(2).length > 0 ? process.argv.slice(2) : VERSIONS;
if (wanted.some((version) => !/^\d+(\.\d+){0,2}$/.test(version))) {
  console.error('npm run test:nodes [-- <version>…]   versions as 22 or 20.19; default: 20.19 22 24');
  process.exit(2);
}

let failed = 0;
for (const version of wanted) {
  const folder = mkdtempSync(join(tmpdir(), 'rivulet-node-'));
  try {
    execFileSync('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', `${binary}@${version}`], {
      stdio: 'pipe',
    });
    const bin = join(folder, 'node_modules', binary, 'bin');
    const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
    const found = execFileSync(join(bin, 'node'), ['--version'], { encoding: 'utf8' }).trim();
    console.log(`== Node ${found}`);
    const { status } = spawnSync('npx', ['vitest', 'run', 'tests/e2e/packed', '--maxWorkers=1'], {
      cwd,
      env,
      stdio: 'inherit',
    });
    if (status !== 0) failed++;
  } catch (error) {
    console.error(`Node ${version} cannot be had from npm as ${binary}: ${error.message}`);
    failed++;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
process.exitCode = failed > 0 ? 1 : 0;
