import { type ExecutionResult, GraphQLError, getOperationAST, OperationTypeNode } from 'graphql';
import { tokenOfPayload } from '../../auth/identity.js';
import type { SessionOwner, UserSession } from '../../auth/session.js';
import { maskError } from '../../engine/client-errors.js';
import type { RequestInfo } from '../../engine/config.js';
import { type PreparedOperation, prepareOperation } from '../http/prepare-operation.js';
import type { YogaContext } from '../http/yoga.js';
import { SocketResults } from './socket-results.js';

/**
 * One operation of a socket: a query or mutation, which is answered once, or a subscription. It has
 * the rights of the socket's user, or those of a token of its own in its `extensions`, where
 * GraphiQL sends the headers of its editor.
 */
export class SocketOperation extends SocketResults implements SessionOwner {
  /** Session of the operation's own token; `null` if it uses the socket's. */
  #ownSession: UserSession | null = null;

  get session(): UserSession {
    return this.#ownSession ?? this.owner.session;
  }

  /** True if the operation has the rights of the socket's user. */
  get isOfSocket(): boolean {
    return this.#ownSession === null;
  }

  get request(): RequestInfo {
    return this.owner.request;
  }

  /** Rejects where the server failed; every other error is the client's. */
  async run(): Promise<void> {
    const { rights } = this.session;
    const prepared = await this.#prepare();
    if (this.isEnded) return;
    if (!('document' in prepared)) {
      this.refuse(prepared);
      return;
    }
    const node = getOperationAST(prepared.document, prepared.operationName);
    if (!node) this.refuse([new GraphQLError('Unable to identify operation')]);
    else if (node.operation === OperationTypeNode.SUBSCRIPTION) await this.#subscribe(prepared, rights);
    else this.answer((await prepared.execute(prepared)) as ExecutionResult);
  }

  rightsChanged(): void {
    this.renew();
  }

  resumed(): void {
    this.resume();
  }

  /** Its own session is over. */
  ended(error: unknown): void {
    this.sessionEnded(error);
  }

  protected override onEnd(): void {
    super.onEnd();
    this.#ownSession?.leave();
  }

  /** The operation, ready to be run; or its errors. */
  async #prepare(): Promise<PreparedOperation | readonly GraphQLError[]> {
    const { options, link } = this.owner;
    const { quotas, logger } = options;
    try {
      await quotas.operationFrom(link.address);
      await this.#openOwnSession();
      const { session } = this;
      await quotas.operationOf(session.identity.subject);
      const context: YogaContext = {
        session: () => Promise.resolve(session),
        outgoing: { allowance: link.allowance, taker: this },
        address: link.address,
        cancellation: this.cancellation,
      };
      const prepared = await prepareOperation(options, context, this.params);
      if ('document' in prepared) this.#shareText(prepared.text);
      return prepared;
    } catch (error) {
      return [maskError(error, logger)];
    }
  }

  async #openOwnSession(): Promise<void> {
    const token = tokenOfPayload({ headers: this.params.extensions?.headers });
    if (token === null) return;
    this.#ownSession = await this.owner.options.sessions.open(token, this.request);
    if (this.isEnded) this.#ownSession.leave();
  }

  /** Keeps the text of its document as others have it in memory already. */
  #shareText(query: string): void {
    const { operationName, variables, extensions } = this.params;
    this.params = { query, operationName, variables, extensions };
  }

  async #subscribe(prepared: PreparedOperation, rights: number): Promise<void> {
    const results = await prepared.subscribe(prepared);
    if (!(Symbol.asyncIterator in results)) {
      this.answer(results as ExecutionResult);
      return;
    }
    try {
      if (!this.isEnded) this.#ownSession?.hold(this);
    } catch (error) {
      this.sessionEnded(error);
    }
    // A session of its own has had one set of rights so far.
    this.goOn(this.#ownSession?.rights ?? rights);
  }
}
