import type { ResetReason } from '../../../shared/protocol/messages.js';

/** Counts deliveries to subscribers. */
export class DeliveryCounters {
  deliveries = 0;
  readonly resets: Record<ResetReason, number> = {
    TRUNCATED: 0,
    OVERFLOW: 0,
    LOG_LOST: 0,
    TOO_OLD: 0,
    OTHER_LOG: 0,
    SCHEMA_CHANGED: 0,
    RIGHTS_CHANGED: 0,
    TOO_LARGE: 0,
  };

  delivery(reset: ResetReason | null): void {
    this.deliveries++;
    if (reset !== null) this.resets[reset]++;
  }
}
