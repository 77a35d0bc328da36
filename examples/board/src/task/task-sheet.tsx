import { useEffect, useState } from 'react';
import type { TaskSet } from '../../../../client/generated/graphql.js';
import type { Target } from '../board/place.js';
import { DELETE_TASK, UPDATE_TASK } from '../documents.js';
import { type Project, STATUSES, type Task } from '../model.js';
import type { Person } from '../session/people.js';
import { Bin, Close } from '../ui/icons.js';
import { useWrite } from '../write.js';
import { Comments } from './comments.js';
import { Draft } from './draft.js';
import { TaskLabels } from './task-labels.js';

interface TaskSheetProps {
  /** `undefined`: it is gone, or was never there. */
  readonly task: Task | undefined;
  readonly project: Project;
  readonly person: Person;
  readonly canWrite: boolean;
  onMove(task: Task, target: Target): void;
  onClose(): void;
}

/** One task beside its board. Each field is saved when it is left. */
export function TaskSheet(props: TaskSheetProps) {
  const { task, onClose } = props;
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && !event.defaultPrevented) onClose();
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  }, [onClose]);
  return (
    <>
      <button
        type="button"
        className="sheet-backdrop"
        aria-label="Close the task"
        tabIndex={-1}
        onClick={onClose}
      />
      <aside className="sheet" aria-label="Task">
        <header>
          <span className="sheet-number">{task ? `Task ${task.id}` : 'Task'}</span>
          {task && props.canWrite && <DeleteButton task={task} onClose={onClose} />}
          <button type="button" className="quiet" aria-label="Close" onClick={onClose}>
            <Close />
          </button>
        </header>
        {task ? <Fields {...props} task={task} /> : <p className="sheet-gone">This task is gone.</p>}
      </aside>
    </>
  );
}

function Fields({ task, project, person, canWrite, onMove }: TaskSheetProps & { readonly task: Task }) {
  const write = useWrite();
  const save = (set: TaskSet) => void write(UPDATE_TASK, { id: task.id, set });
  const people = project.members.flatMap(({ user }) => (user ? [user] : []));
  const countIn = (status: Task['status']) => project.tasks.filter((each) => each.status === status).length;
  return (
    <div className="sheet-body">
      <Draft
        className="title"
        label="Title"
        value={task.title}
        isRequired
        isReadOnly={!canWrite}
        onSave={(title) => save({ title })}
      />
      <fieldset className="segments" disabled={!canWrite}>
        <legend className="unseen">Status</legend>
        {STATUSES.map(({ status, title }) => (
          <button
            key={status}
            type="button"
            data-status={status}
            aria-pressed={task.status === status}
            onClick={() => task.status !== status && onMove(task, { status, index: countIn(status) })}
          >
            <span className="status-mark" />
            {title}
          </button>
        ))}
      </fieldset>
      <dl className="fields">
        <dt>
          <label htmlFor="assignee">Assignee</label>
        </dt>
        <dd>
          <select
            id="assignee"
            value={task.assignee?.id ?? ''}
            disabled={!canWrite}
            onChange={(event) => save({ assigneeId: event.target.value === '' ? null : event.target.value })}
          >
            <option value="">Nobody</option>
            {people.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </dd>
        <dt>
          <label htmlFor="due">Due</label>
        </dt>
        <dd>
          <input
            id="due"
            type="date"
            value={task.dueOn ?? ''}
            disabled={!canWrite}
            onChange={(event) => save({ dueOn: event.target.value === '' ? null : event.target.value })}
          />
        </dd>
        <dt>
          <label htmlFor="priority">Priority</label>
        </dt>
        <dd>
          <select
            id="priority"
            value={task.priority}
            disabled={!canWrite}
            onChange={(event) => save({ priority: Number(event.target.value) })}
          >
            {[...new Set([0, 1, 2, 3, task.priority])].map((priority) => (
              <option key={priority} value={priority}>
                {PRIORITIES[priority] ?? priority}
              </option>
            ))}
          </select>
        </dd>
        <dt>Labels</dt>
        <dd>
          <TaskLabels task={task} labels={project.labels} canWrite={canWrite} />
        </dd>
      </dl>
      <Draft
        className="description"
        label="Description"
        value={task.description ?? ''}
        placeholder={canWrite ? 'Say more…' : ''}
        isReadOnly={!canWrite}
        onSave={(description) => save({ description: description === '' ? null : description })}
      />
      <Comments task={task} person={person} />
    </div>
  );
}

const PRIORITIES = ['None', '1, low', '2, middle', '3, high'];

/** Asks by being pressed a second time. */
function DeleteButton({ task, onClose }: { readonly task: Task; onClose(): void }) {
  const write = useWrite();
  const [isSure, setSure] = useState(false);
  const press = async () => {
    if (!isSure) {
      setSure(true);
      return;
    }
    if (await write(DELETE_TASK, { id: task.id })) onClose();
  };
  return (
    <button
      type="button"
      className={isSure ? 'danger' : 'quiet'}
      aria-label={isSure ? undefined : 'Delete the task'}
      onClick={press}
      onBlur={() => setSure(false)}
    >
      {isSure ? 'Delete it' : <Bin />}
    </button>
  );
}
