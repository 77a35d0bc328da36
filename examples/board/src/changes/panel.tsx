import { timeOf } from '../ui/dates.js';
import { Close } from '../ui/icons.js';
import { linesOf } from './lines.js';
import type { Message } from './use-changes.js';

interface ChangesPanelProps {
  readonly messages: readonly Message[];
  onClose(): void;
}

/** The messages of this project's change stream, as they come. */
export function ChangesPanel({ messages, onClose }: ChangesPanelProps) {
  return (
    <aside className="changes" aria-label="Changes">
      <header>
        <h2>Changes</h2>
        <button type="button" className="quiet" aria-label="Close the changes" onClick={onClose}>
          <Close />
        </button>
      </header>
      {messages.length === 0 ? (
        <div className="changes-empty">
          <p>Each transaction that touches this project arrives here as one message.</p>
          <p>Move a card, or run</p>
          <pre>npx rivulet sql "update tasks set priority = priority + 1"</pre>
        </div>
      ) : (
        <ol>
          {messages.map((message) => (
            <MessageItem key={message.cursor} message={message} />
          ))}
        </ol>
      )}
    </aside>
  );
}

function MessageItem({ message }: { readonly message: Message }) {
  const { transaction, reset } = message;
  return (
    <li className="message">
      <header>
        <span>{transaction ? `transaction ${transaction.xid}` : 'no transaction'}</span>
        {transaction && <time dateTime={transaction.loggedAt}>{timeOf(transaction.loggedAt)}</time>}
      </header>
      {reset && <p className="kind reset">RESET {reset}</p>}
      {linesOf(message).map((line) => (
        <div key={`${line.what}${line.kind}`} className="change">
          <p>
            <span className="kind" data-kind={line.kind}>
              {line.kind}
            </span>
            <span className="what">{line.what}</span>
            {line.title !== undefined && <span className="change-title">{line.title}</span>}
          </p>
          {line.columns.map(({ name, before, after }) => (
            <p key={name} className="difference">
              <span>{name}</span>
              <del>{before}</del>
              <ins>{after}</ins>
            </p>
          ))}
        </div>
      ))}
      <details>
        <summary>JSON</summary>
        <pre>{JSON.stringify(message, null, 2)}</pre>
      </details>
    </li>
  );
}
