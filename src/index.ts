export type { Policies, PolicyRules } from './policy/rules.js';
export { definePolicies } from './policy/rules.js';
export type { RivuletConfig } from './server/config.js';
export { defineConfig } from './server/config.js';
