export type { ErrorCode } from '../shared/errors.js';
export { RivuletError } from '../shared/errors.js';
export type { Change, ChangeMessage, Link, RelatedChanges } from '../shared/protocol/messages.js';
export type {
  ChangeStream,
  ChangesOptions,
  LabelOptions,
  RivuletApi,
  RowReference,
  SubscriptionInfo,
} from './api/types.js';
export type { Policies, PolicyRules, PresetRule, WriteRule } from './policy/rules.js';
export { definePolicies } from './policy/rules.js';
export type {
  AuthConfig,
  ContextResult,
  DatabaseConfig,
  DevelopmentConfig,
  LimitsByContext,
  LimitsConfig,
  OperationLimits,
  PagesConfig,
  RequestInfo,
  RivuletConfig,
  ServerConfig,
  ServerLimits,
  TableNames,
  TokenClaims,
  TrustedDocumentsConfig,
  TrustedDocumentsSource,
} from './server/engine/config.js';
export { defineConfig } from './server/engine/config.js';
export type { Rivulet, RivuletOptions } from './server/engine/rivulet.js';
export { createRivulet } from './server/engine/rivulet.js';
export type { SessionFacts } from './server/engine/session-facts.js';
export type { RivuletServer, ServerOptions } from './server/server.js';
export { createServer } from './server/server.js';
export type { DevelopmentPerson } from './server/transport/http/development-people.js';
export type { DefaultTables, PlainTable, WatcherOptions, WatcherSpec, WithRelations } from './watch/types.js';
export type { WatcherDeclarations, WatcherList } from './watch/watchers.js';
export { watchers } from './watch/watchers.js';
