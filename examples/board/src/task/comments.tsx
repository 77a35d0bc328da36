import { type FormEvent, type KeyboardEvent, useState } from 'react';
import { CREATE_COMMENT, DELETE_COMMENT } from '../documents.js';
import type { Comment, Task } from '../model.js';
import type { Person } from '../session/people.js';
import { Avatar } from '../ui/avatar.js';
import { momentOf } from '../ui/dates.js';
import { useWrite } from '../write.js';

interface CommentsProps {
  readonly task: Task;
  readonly person: Person;
}

export function Comments({ task, person }: CommentsProps) {
  return (
    <section className="comments" aria-label="Comments">
      <h3>Comments</h3>
      <ul>
        {task.comments.map((comment) => (
          <CommentItem key={comment.id} comment={comment} isOwn={comment.author?.id === person.id} />
        ))}
      </ul>
      <Composer taskId={task.id} />
    </section>
  );
}

function CommentItem({ comment, isOwn }: { readonly comment: Comment; readonly isOwn: boolean }) {
  const write = useWrite();
  const { id, body, createdAt, author } = comment;
  return (
    <li>
      {author && <Avatar id={author.id} name={author.name} size="small" />}
      <div>
        <p className="comment-head">
          <strong>{author?.name ?? 'somebody'}</strong>
          <time dateTime={createdAt}>{momentOf(createdAt)}</time>
          {isOwn && (
            <button type="button" className="link" onClick={() => void write(DELETE_COMMENT, { id })}>
              delete
            </button>
          )}
        </p>
        <p>{body}</p>
      </div>
    </li>
  );
}

function Composer({ taskId }: { readonly taskId: string }) {
  const write = useWrite();
  const [body, setBody] = useState('');
  const send = async (event: FormEvent) => {
    event.preventDefault();
    const text = body.trim();
    if (text === '') return;
    setBody('');
    if (!(await write(CREATE_COMMENT, { values: { taskId, body: text } }))) setBody(text);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    event.currentTarget.form?.requestSubmit();
  };
  return (
    <form className="composer" onSubmit={send}>
      <textarea
        className="composer-text"
        rows={1}
        value={body}
        placeholder="Write a comment"
        aria-label="Write a comment"
        onChange={(event) => setBody(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <button type="submit" className="primary" disabled={body.trim() === ''}>
        Send
      </button>
    </form>
  );
}
