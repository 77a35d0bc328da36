/**
 * The life of a group of subscribers.
 *
 * `loading`: the group reads the state that its scope needs, or replays what its subscribers
 * missed. `live`: it evaluates each transaction of the feed. `behind`: PostgreSQL kept it waiting
 * too long, so it evaluates its backlog apart from the other groups. `ended`: it has no subscribers
 * any more.
 */
export type GroupState = 'loading' | 'live' | 'behind' | 'ended';

/**
 * - `transaction`: the feed brought a transaction.
 * - `replayed`: a transaction of a replay, or of the backlog, has its turn.
 * - `loaded`: the scope is loaded and the replay is delivered.
 * - `slow`: PostgreSQL kept the group waiting too long.
 * - `next`: the group can evaluate the next transaction of its backlog.
 * - `drained`: the backlog is empty.
 * - `ended`: the last subscriber left, the group was handed over or failed, or the server stops.
 */
export type GroupEvent = 'transaction' | 'replayed' | 'loaded' | 'slow' | 'next' | 'drained' | 'ended';

/**
 * `take backlog`: evaluate all of it now. `take next`: evaluate its oldest part. `drop backlog`:
 * nobody needs it.
 */
export type GroupDeed =
  | 'evaluate'
  | 'wait'
  | 'pass over'
  | 'take backlog'
  | 'take next'
  | 'drop backlog'
  | 'nothing';

export interface GroupTransition {
  readonly next: GroupState;
  readonly deed: GroupDeed;
}

const to = (next: GroupState, deed: GroupDeed = 'nothing'): GroupTransition => ({ next, deed });

/**
 * Every event in every state. The objects are made once, because each transaction looks one up for
 * each group that it concerns.
 */
export const GROUP_TRANSITIONS: Readonly<Record<GroupState, Readonly<Record<GroupEvent, GroupTransition>>>> =
  {
    loading: {
      transaction: to('loading', 'wait'),
      replayed: to('loading', 'evaluate'),
      loaded: to('live', 'take backlog'),
      slow: to('loading'),
      next: to('loading'),
      drained: to('loading'),
      ended: to('ended', 'drop backlog'),
    },
    live: {
      transaction: to('live', 'evaluate'),
      replayed: to('live', 'evaluate'),
      loaded: to('live'),
      slow: to('behind'),
      next: to('live'),
      drained: to('live'),
      ended: to('ended', 'drop backlog'),
    },
    behind: {
      transaction: to('behind', 'wait'),
      replayed: to('behind', 'evaluate'),
      loaded: to('behind'),
      slow: to('behind'),
      next: to('behind', 'take next'),
      drained: to('live'),
      ended: to('ended', 'drop backlog'),
    },
    ended: {
      transaction: to('ended', 'pass over'),
      replayed: to('ended', 'pass over'),
      loaded: to('ended'),
      slow: to('ended'),
      next: to('ended'),
      drained: to('ended'),
      ended: to('ended', 'drop backlog'),
    },
  };
