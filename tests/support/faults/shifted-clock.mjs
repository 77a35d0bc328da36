// Loaded before a node's program (`node --import`): its wall clock is off by the milliseconds in the file of CLOCK_SHIFT_FILE.
import { readFileSync } from 'node:fs';

const file = process.env.CLOCK_SHIFT_FILE;
const RealDate = Date;
let shiftMs = Number(readFileSync(file, 'utf8'));
setInterval(() => {
  shiftMs = Number(readFileSync(file, 'utf8'));
}, 100).unref();

globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + shiftMs);
    else super(...args);
  }

  static now() {
    return RealDate.now() + shiftMs;
  }
};
