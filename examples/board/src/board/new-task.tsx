import { type KeyboardEvent, useState } from 'react';
import { Plus } from '../ui/icons.js';

interface NewTaskProps {
  /** Resolves with whether it was made. */
  onCreate(title: string): Promise<boolean>;
}

/**
 * Enter makes the task and waits for the next title; Escape, or leaving the field empty, is enough.
 */
export function NewTask({ onCreate }: NewTaskProps) {
  const [title, setTitle] = useState<string>();
  if (title === undefined) {
    return (
      <button type="button" className="new-task" onClick={() => setTitle('')}>
        <Plus />
        Add a task
      </button>
    );
  }
  const create = async () => {
    const text = title.trim();
    if (text === '') return;
    setTitle('');
    if (!(await onCreate(text))) setTitle(text);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') setTitle(undefined);
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    void create();
  };
  return (
    <div className="new-task-form">
      <textarea
        // biome-ignore lint/a11y/noAutofocus: it was asked for by the button that it replaces
        autoFocus
        rows={2}
        value={title}
        placeholder="What is to be done?"
        aria-label="Title of the new task"
        onChange={(event) => setTitle(event.target.value)}
        onKeyDown={onKeyDown}
        onBlur={() => title.trim() === '' && setTitle(undefined)}
      />
      <div>
        <button
          type="button"
          className="primary"
          onMouseDown={(event) => event.preventDefault()}
          onClick={create}
        >
          Add
        </button>
        <button type="button" className="quiet" onClick={() => setTitle(undefined)}>
          Cancel
        </button>
      </div>
    </div>
  );
}
