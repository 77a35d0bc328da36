import { useMutation, useQuery } from '@apollo/client/react';
import { titleOf } from '../model.js';
import { Avatar } from '../ui/avatar.js';
import { OPEN_TASKS, SET_STATUS } from './documents.js';

/** The open tasks of all projects, the most urgent first. */
export function OpenTasks() {
  const { data, error } = useQuery(OPEN_TASKS, { context: { live: true } });
  const [setStatus, { error: refusal }] = useMutation(SET_STATUS);
  if (error) return <p>{error.message}</p>;
  if (data?.tasks.length === 0) return <p>Nothing is open.</p>;
  return (
    <>
      {refusal && <p className="wrong">{refusal.message}</p>}
      <ul className="open-tasks">
        {data?.tasks.map(({ id, title, status, priority, project, assignee }) => (
          <li key={id} data-task={id} data-status={status}>
            <button
              type="button"
              className="tick"
              aria-label={`${title} is done`}
              onClick={() => setStatus({ variables: { id, set: { status: 'done' } } }).catch(() => {})}
            />
            <div>
              <h2>{title}</h2>
              <p className="task-facts">
                <span className="status-mark" />
                {titleOf(status)} · {project?.name}
                {priority > 0 && ` · priority ${priority}`}
              </p>
            </div>
            {assignee && <Avatar id={assignee.id} name={assignee.name} size="small" />}
          </li>
        ))}
      </ul>
    </>
  );
}
