import { DndContext, DragOverlay } from '@dnd-kit/core';
import { useRef } from 'react';
import { BOARD, CREATE_TASK } from '../documents.js';
import { useLive } from '../live.js';
import { type Project, STATUSES, type Status } from '../model.js';
import type { Person } from '../session/people.js';
import { TaskSheet } from '../task/task-sheet.js';
import { Avatar } from '../ui/avatar.js';
import { useWrite } from '../write.js';
import { CardContent } from './card.js';
import { Column } from './column.js';
import { useDrag } from './use-drag.js';
import { useKeys } from './use-keys.js';
import { useMotion } from './use-motion.js';
import { useMoves } from './use-moves.js';

interface BoardViewProps {
  readonly projectId: string;
  readonly taskId: string | null;
  readonly person: Person;
  onOpenTask(taskId: string | null): void;
}

/** One project, or why it is not to be seen. */
export function BoardView(props: BoardViewProps) {
  const { data, error } = useLive(BOARD, { id: props.projectId });
  if (data?.project) return <Board {...props} project={data.project} />;
  return (
    <main className="board-state">
      {data?.project === null && (
        <>
          <h2>This project is not yours to see</h2>
          <p>You are not, or no longer, one of its members.</p>
        </>
      )}
      {error && <p>{error.message}</p>}
    </main>
  );
}

interface BoardProps extends BoardViewProps {
  readonly project: Project;
}

function Board({ project, taskId, person, onOpenTask }: BoardProps) {
  const board = useRef<HTMLElement>(null);
  const droppedId = useRef<string | null>(null);
  const write = useWrite();
  const { tasks, move } = useMoves(project.tasks);
  const role = project.members.find(({ user }) => user?.id === person.id)?.role;
  const canWrite = role === 'owner' || role === 'editor';
  const { drag, context } = useDrag(tasks, (task, target) => {
    droppedId.current = task.id;
    move(task, target);
  });
  const { said, onKey } = useKeys({ tasks, canMove: canWrite, onOpen: onOpenTask, onMove: move });
  useMotion(board, tasks, droppedId);

  const create = async (status: Status, title: string) => {
    const positions = tasks.filter((task) => task.status === status).map(({ position }) => Number(position));
    const position = Math.max(0, ...positions) + 1;
    const values = { projectId: project.id, title, status, position };
    return (await write(CREATE_TASK, { values })) !== undefined;
  };

  return (
    <>
      <main className="board" ref={board}>
        <div className="board-people">
          {project.members.map(
            ({ user, role }) =>
              user && (
                <span key={user.id} className="member" title={`${user.name}, ${role}`}>
                  <Avatar id={user.id} name={user.name} size="small" />
                  <span>{user.name}</span>
                  <span className="role">{role}</span>
                </span>
              ),
          )}
          {!canWrite && <span className="only-look">You may look, not change</span>}
        </div>
        <DndContext {...context}>
          <div className="columns">
            {STATUSES.map(({ status, title }) => (
              <Column
                key={status}
                status={status}
                title={title}
                tasks={tasks.filter((task) => task.status === status)}
                canWrite={canWrite}
                openTaskId={taskId}
                draggedId={drag?.task.id ?? null}
                dropIndex={drag?.target?.status === status ? drag.target.index : null}
                onOpen={onOpenTask}
                onKey={onKey}
                onCreate={(title) => create(status, title)}
              />
            ))}
          </div>
          <DragOverlay dropAnimation={null}>
            {drag && (
              <article className="card lifted">
                <CardContent task={drag.task} />
              </article>
            )}
          </DragOverlay>
        </DndContext>
        <p className="unseen" role="status">
          {said}
        </p>
      </main>
      {taskId !== null && (
        <TaskSheet
          key={taskId}
          task={tasks.find(({ id }) => id === taskId)}
          project={project}
          person={person}
          canWrite={canWrite}
          onMove={move}
          onClose={() => onOpenTask(null)}
        />
      )}
    </>
  );
}
