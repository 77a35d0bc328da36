import { defineConfig } from 'rivulet';
import { policies, relations, seed } from './schema/index.js';

export default defineConfig({
  relations,
  policies,
  context: (claims) => ({ userId: userIdOf(claims?.sub) }),
  pages: { folder: new URL('./examples/board/dist/', import.meta.url) },
  development: {
    seed,
    users: [
      { id: '1', name: 'ada' },
      { id: '2', name: 'grace' },
      { id: '3', name: 'alan' },
    ],
    document: `# Run this, then change a task in the database:
# each transaction is one message.
subscription TasksMove {
  taskChanges {
    transaction { xid loggedAt }
    changes {
      kind
      op
      key
      changedColumns
      node {
        title
        status
        priority
        project { name }
        assignee { name }
      }
      previous { title status priority }
    }
  }
}
`,
    nudge: "update tasks set priority = priority + 1, title = 'Punch the cards, again' where id = 1",
  },
});

/** Ids are positive integers; whatever else a token says is nobody. */
function userIdOf(subject: string | undefined): number | null {
  return subject !== undefined && /^[1-9]\d{0,8}$/.test(subject) ? Number(subject) : null;
}
