import type { AnyRelations } from 'drizzle-orm';
import { RivuletError } from '../../shared/errors.js';
import type { Model } from '../../shared/model/types.js';
import type { Database } from '../database/types.js';
import type { CursorCodec } from '../feed/cursor.js';
import type { Feed } from '../feed/types.js';
import { parseSnapshot, type Snapshot } from '../log/snapshot.js';
import { type PolicyFault, resolveRights } from '../policy/resolve-rights.js';
import { rightsKey } from '../policy/rights-key.js';
import type { Policies } from '../policy/rules.js';
import type { AccessRights } from '../policy/types.js';
import { FilterTrials } from '../query/filter-trials.js';
import type { ScopeRegistry } from '../scope/messages/types.js';
import type { WatchLabel } from '../watch/types.js';
import { changeSpec, type StreamViewer } from './change-spec.js';
import { mapStream } from './map-stream.js';
import { checkChangesOptions } from './options.js';
import { keyOfReference } from './row-key.js';
import { RowReader } from './row-reader.js';
import { StreamMessages, type UntypedMessage } from './stream-messages.js';
import { resolveTarget } from './stream-target.js';
import { describeSubscription, scopesConcerning, scopesContaining } from './subscription-info.js';
import type { ChangeStream, LabelOptions, RivuletApi, SubscriptionInfo, UntypedRow } from './types.js';

export interface ApiOptions {
  /** With the tables that labels name; see `withPlainTables`. */
  readonly model: Model;
  /** The policies that `as` applies. */
  readonly policies: Policies;
  readonly labels: readonly WatchLabel[];
  readonly database: Database;
  readonly scopes: ScopeRegistry;
  readonly feed: Feed;
  readonly cursors: CursorCodec;
  /** Throws `RIVULET_STOPPED` once the scopes were stopped. */
  readonly assertRunning?: () => void;
  /** Called when a policy function fails, which then denies. */
  readonly onFault?: (fault: PolicyFault) => void;
}

/**
 * The API of server code on scopes that run. Nothing is to be closed: what is subscribed ends with
 * the scopes.
 */
export function createApi<R extends AnyRelations>(options: ApiOptions): RivuletApi<R> {
  // The schema's types say what the implementation finds out.
  return new ScopesApi(options) as unknown as RivuletApi<R>;
}

/** The same calls without the schema's types. */
class ScopesApi {
  readonly #options: ApiOptions;
  readonly #reader: RowReader;
  readonly #messages: StreamMessages;

  constructor(options: ApiOptions) {
    this.#options = options;
    this.#reader = new RowReader(options.database, options.model);
    this.#messages = new StreamMessages(options.model, options.cursors, this.#reader);
  }

  changes = (target: unknown, options: LabelOptions = {}): ChangeStream<UntypedMessage> => {
    const { model, labels, scopes, cursors, assertRunning } = this.#options;
    assertRunning?.();
    checkChangesOptions(options);
    // An `as` that is undefined is an unknown user, not the server.
    const rights = 'as' in options ? this.#rightsOf(options.as) : null;
    const trials = new FilterTrials();
    const viewer: StreamViewer = { model, rights, trials };
    const spec = changeSpec(viewer, resolveTarget(model, labels, target), options);
    const after = options.after === undefined ? undefined : cursors.decode(options.after);
    const view = { viewer, spec, key: rights ? rightsKey(rights, model.tables) : '' };
    const messages = scopes.changes(spec, { after, signal: options.signal });
    const tried = trials.isEmpty ? null : trials.run(this.#options.database, model);
    return mapStream(messages, (message) => this.#messages.of(message, view), tried);
  };

  get = async (change: object): Promise<Readonly<UntypedRow> | null> => this.#reader.get(change);

  subscriptions = async (watcher?: unknown, key?: unknown): Promise<readonly SubscriptionInfo[]> => {
    const { model, labels, scopes, database, assertRunning } = this.#options;
    assertRunning?.();
    const listed = scopes.list();
    if (watcher === undefined) return listed.map(describeSubscription);
    const target = resolveTarget(model, labels, watcher);
    const found = scopesConcerning(listed, target);
    if (key === undefined) return found.map(describeSubscription);
    const { table } = target;
    return (await scopesContaining(database, model, found, table, keyOfReference(table, key))).map(
      describeSubscription,
    );
  };

  cursor = (snapshot?: string): string => {
    const { cursors, feed } = this.#options;
    return cursors.encode(snapshot === undefined ? feed.position : snapshotOf(snapshot));
  };

  #rightsOf(context: unknown): AccessRights {
    const { model, policies, onFault } = this.#options;
    return resolveRights(model, policies, context, onFault && { onFault });
  }
}

function snapshotOf(text: string): Snapshot {
  try {
    return parseSnapshot(text);
  } catch (error) {
    throw new RivuletError('CURSOR_INVALID', 'This is no snapshot as Postgres writes it', {}, error);
  }
}
