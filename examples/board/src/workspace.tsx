import { useState } from 'react';
import { Provider } from 'urql';
import { BoardView } from './board/board-view.js';
import { ChangesPanel } from './changes/panel.js';
import { useChanges } from './changes/use-changes.js';
import { PROJECTS } from './documents.js';
import { Header } from './header.js';
import { useLive } from './live.js';
import { Problems } from './problems.js';
import { goTo, useRoute } from './route.js';
import type { Person } from './session/people.js';
import type { Session } from './session/session.js';

interface WorkspaceProps {
  readonly session: Session;
  readonly people: readonly Person[];
  onChoose(person: Person | null): void;
}

export function Workspace(props: WorkspaceProps) {
  return (
    <Provider value={props.session.client}>
      <Problems>
        <Rooms {...props} />
      </Problems>
    </Provider>
  );
}

function Rooms({ session, people, onChoose }: WorkspaceProps) {
  const route = useRoute();
  const { data, error } = useLive(PROJECTS, {});
  const projects = data?.projects;
  // Also one that is not in the list (any more): then the board says so.
  const projectId = route.projectId ?? projects?.[0]?.id ?? null;
  const [isPanelOpen, setPanelOpen] = useState(() => matchMedia('(min-width: 1180px)').matches);
  const messages = useChanges(projectId);

  return (
    <div className={isPanelOpen ? 'shell with-panel' : 'shell'}>
      <Header
        session={session}
        people={people}
        projects={projects}
        projectId={projectId}
        isPanelOpen={isPanelOpen}
        onTogglePanel={() => setPanelOpen(!isPanelOpen)}
        onChoose={onChoose}
      />
      {projectId !== null ? (
        <BoardView
          key={projectId}
          projectId={projectId}
          taskId={route.taskId}
          person={session.person}
          onOpenTask={(taskId) => goTo({ projectId, taskId })}
        />
      ) : (
        <main className="board-state">
          {error && <p>{error.message}</p>}
          {projects?.length === 0 && <p>You are in no project yet.</p>}
        </main>
      )}
      {isPanelOpen && <ChangesPanel messages={messages} onClose={() => setPanelOpen(false)} />}
    </div>
  );
}
