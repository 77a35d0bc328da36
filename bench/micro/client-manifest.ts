import type { Manifest } from '../../shared/manifest/types.js';
import { describeConfig } from '../../src/server/engine/describe-config.js';
import { applicationOf } from '../application/items.js';

/** Of the application whose list the clients show; lists may be as long as the benchmark's. */
export function itemsManifest(): Manifest {
  return describeConfig({ ...applicationOf('owner'), limits: { maxRows: 10_000 } }).manifest;
}
