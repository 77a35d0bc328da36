// Publishes both packages with provenance: `npm run release -- --dry-run` does all but the
// publishing.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const USAGE = `npm run release [-- --dry-run]

Checks that the working tree is clean, that both packages have one version and that CHANGELOG.md has it, builds, shows what
both packages contain, and publishes them to npm with provenance. Provenance needs a CI job with an OpenID token.

  --dry-run   publish nothing; a changed working tree and an unreleased version are only told
  --help      this text`;

const cwd = fileURLToPath(new URL('..', import.meta.url));
const PACKAGES = ['--workspace', 'rivulet-client', '--include-workspace-root'];

let isDry = false;
try {
  const { values } = parseArgs({ options: { 'dry-run': { type: 'boolean' }, help: { type: 'boolean' } } });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  isDry = values['dry-run'] === true;
} catch (error) {
  console.error(`${error.message}\n\n${USAGE}`);
  process.exit(2);
}

const run = (command, args) => execFileSync(command, args, { cwd, stdio: 'inherit' });
const versionOf = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).version;

const version = versionOf('../package.json');
const problems = [];
if (execFileSync('git', ['status', '--porcelain'], { cwd }).length > 0) {
  problems.push('The working tree has changes: commit or remove them.');
}
if (versionOf('../client/package.json') !== version) {
  problems.push(`rivulet is ${version} and rivulet-client is not: set both to one version.`);
}
if (!readFileSync(new URL('../CHANGELOG.md', import.meta.url), 'utf8').includes(`## [${version}] - `)) {
  problems.push(`CHANGELOG.md has no section "## [${version}] - <date>": add it.`);
}
for (const problem of problems) console.error(problem);
if (problems.length > 0 && !isDry) process.exit(1);

run('npm', ['run', '--silent', 'prepack']);
run('npm', ['pack', '--dry-run', '--ignore-scripts', ...PACKAGES]);
if (isDry) console.log('dry run: nothing was published');
else run('npm', ['publish', '--provenance', '--access', 'public', '--ignore-scripts', ...PACKAGES]);
