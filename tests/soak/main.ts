import { CommanderError } from 'commander';
import { parseOptions } from './options.js';
import { soak } from './soak.js';

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options === null) return 0;
  const result = await soak(options, (line) => console.log(line));
  console.log(`\n${result.summary}`);
  return result.figures.isGood ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
    console.error(error);
    process.exit(1);
  },
);
