import type { CSSProperties } from 'react';
import { ADD_LABEL, REMOVE_LABEL } from '../documents.js';
import type { Label, Task } from '../model.js';
import { Check } from '../ui/icons.js';
import { LabelChip } from '../ui/label-chip.js';
import { useWrite } from '../write.js';

interface TaskLabelsProps {
  readonly task: Task;
  /** All of the project. */
  readonly labels: readonly Label[];
  readonly canWrite: boolean;
}

export function TaskLabels({ task, labels, canWrite }: TaskLabelsProps) {
  const write = useWrite();
  const has = (label: Label): boolean => task.labels.some(({ id }) => id === label.id);
  if (!canWrite) {
    return (
      <div className="label-choice">
        {task.labels.map((label) => (
          <LabelChip key={label.id} label={label} />
        ))}
      </div>
    );
  }
  const toggle = (label: Label) => {
    if (has(label)) void write(REMOVE_LABEL, { id: `${task.id}:${label.id}` });
    else void write(ADD_LABEL, { values: { taskId: task.id, labelId: label.id } });
  };
  return (
    <div className="label-choice">
      {labels.map((label) => (
        <button
          key={label.id}
          type="button"
          className="chip"
          style={{ '--color': label.color } as CSSProperties}
          aria-pressed={has(label)}
          onClick={() => toggle(label)}
        >
          {has(label) && <Check />}
          {label.name}
        </button>
      ))}
    </div>
  );
}
