import type { FormattedExecutionResult, GraphQLError, GraphQLFormattedError } from 'graphql';
import { type Message, MessageType, stringifyMessage } from 'graphql-ws';
import type { SharedResult } from '../../../graphql/execute/shared-result.js';
import type { UserSession } from '../../auth/session.js';
import type { OperationParams } from '../../documents/persisted-documents.js';
import { onTheWire } from '../../engine/client-errors.js';
import type { RequestInfo } from '../../engine/config.js';
import { type RenewalSource, RenewedSubscription } from '../subscription/renewed-subscription.js';
import type { ProtocolOptions, SocketLink } from './socket-link.js';

/** The connection that operations belong to, as they see it. */
export interface OperationOwner {
  readonly options: ProtocolOptions;
  readonly link: SocketLink;
  /** Session of the socket's user. */
  readonly session: UserSession;
  /** The upgrade, for the configuration's `context`. */
  readonly request: RequestInfo;
  /** Called once, when the operation of that id has ended. */
  forget(id: string): void;
}

/** The results of one operation as messages of the protocol: `next`, then `complete` or `error`. */
export abstract class SocketResults extends RenewedSubscription {
  readonly id: string;
  protected readonly owner: OperationOwner;
  protected params: OperationParams;
  /** The bytes before the payload of each `next`. */
  readonly #head: string;

  constructor(owner: OperationOwner, id: string, params: OperationParams) {
    super();
    this.id = id;
    this.owner = owner;
    this.params = params;
    this.#head = owner.options.frames.headOf(id);
  }

  onReady(listener: () => void): () => void {
    return this.owner.link.sink.onReady(listener);
  }

  protected get isPeerReady(): boolean {
    return this.owner.link.sink.isReady;
  }

  protected get renewal(): RenewalSource {
    const { options: engine, link } = this.owner;
    return { engine, params: this.params, address: link.address, allowance: link.allowance };
  }

  protected write(result: SharedResult): void {
    const { options, link } = this.owner;
    options.frames.write(link.sink, this.#head, result);
  }

  protected send(payload: FormattedExecutionResult): void {
    this.#tell({ id: this.id, type: MessageType.Next, payload });
  }

  protected complete(): void {
    this.#tell({ id: this.id, type: MessageType.Complete });
  }

  protected fail(error: GraphQLFormattedError): void {
    this.#tell({ id: this.id, type: MessageType.Error, payload: [error] });
  }

  protected onEnd(): void {
    this.owner.forget(this.id);
  }

  /**
   * Ends an operation that did not begin, with errors that clients may see. Nothing, if it has
   * ended.
   */
  protected refuse(errors: readonly GraphQLError[]): void {
    if (this.isEnded) return;
    this.end();
    this.#tell({ id: this.id, type: MessageType.Error, payload: errors.map(onTheWire) });
  }

  #tell(message: Message): void {
    this.owner.link.send(stringifyMessage(message));
  }
}
