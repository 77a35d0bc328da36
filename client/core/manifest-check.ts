import { kind } from '../../shared/options/checks.js';

/** A manifest by its shape; its version is checked by what reads it. */
export const manifest = kind(
  'a manifest, or what `readManifest` returned',
  (value) => typeof value === 'object' && value !== null && ('tables' in value || 'model' in value),
);
