#!/usr/bin/env node
import { existsSync } from 'node:fs';

const main = new URL('../dist/src/cli/main.js', import.meta.url);
if (!existsSync(main)) {
  console.error('Rivulet is not built yet: run `npm run build` first.');
  process.exit(1);
}
const { run } = await import(main.href);
await run(process.argv.slice(2));
