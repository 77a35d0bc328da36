import type { FormattedExecutionResult, GraphQLFormattedError } from 'graphql';
import type { SharedResult } from '../../../graphql/execute/shared-result.js';
import { RenewedSubscription } from '../subscription/renewed-subscription.js';
import type { EventSink, EventWriter } from './sse-events.js';

/**
 * The results of one operation as events of a stream: `next`, then `complete`. An error that ends
 * them is the last `next`.
 */
export abstract class EventResults extends RenewedSubscription {
  protected abstract readonly sink: EventSink;
  protected abstract readonly writer: EventWriter;

  onReady(listener: () => void): () => void {
    return this.sink.onReady(listener);
  }

  protected get isPeerReady(): boolean {
    return this.sink.isReady;
  }

  protected write(result: SharedResult): void {
    this.sink.write(this.writer.next(result));
  }

  protected send(result: FormattedExecutionResult): void {
    this.sink.write(this.writer.next(result));
  }

  protected complete(): void {
    this.sink.write(this.writer.complete);
  }

  protected fail(error: GraphQLFormattedError): void {
    this.send({ errors: [error] });
    this.complete();
  }
}
