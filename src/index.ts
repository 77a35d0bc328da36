export type {
  Api,
  Change,
  ChangeLink,
  ChangeStream,
  ChangesMessage,
  ChangesOptions,
  LabelOptions,
  RelatedChanges,
  RowReference,
  Subscription,
} from './api/types.js';
export type { ErrorCode } from './errors.js';
export { RivuletError } from './errors.js';
export type { Policies, PolicyRules, PresetRule, WriteRule } from './policy/rules.js';
export { definePolicies } from './policy/rules.js';
export type {
  AuthConfig,
  Claims,
  ContextResult,
  DatabaseConfig,
  DevelopmentConfig,
  Limits,
  LimitsByContext,
  LimitsConfig,
  OperationLimits,
  RequestInfo,
  RivuletConfig,
  ServerConfig,
  TableNames,
  TrustedDocumentsConfig,
  TrustedDocumentsSource,
} from './server/config.js';
export { defineConfig } from './server/config.js';
export type { PagesConfig } from './server/pages.js';
export type { Person } from './server/people.js';
export type { Rivulet, RivuletOptions } from './server/rivulet.js';
export { createRivulet } from './server/rivulet.js';
export type { RivuletServer, ServerOptions } from './server/server.js';
export { createServer } from './server/server.js';
export type { SessionFacts } from './server/session-facts.js';
export type { DefaultTables, PlainTable, WatcherOptions, WatcherSpec, WithRelations } from './watch/types.js';
export type { WatcherList, Watchers } from './watch/watchers.js';
export { watchers } from './watch/watchers.js';
