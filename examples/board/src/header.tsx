import { goTo } from './route.js';
import { useConnection } from './session/connection.js';
import type { Person } from './session/people.js';
import type { Session } from './session/session.js';
import { Avatar } from './ui/avatar.js';
import { Mark, Pulse } from './ui/icons.js';

interface HeaderProps {
  readonly session: Session;
  readonly people: readonly Person[];
  readonly projects: readonly { readonly id: string; readonly name: string }[] | undefined;
  readonly projectId: string | null;
  readonly isPanelOpen: boolean;
  onTogglePanel(): void;
  onChoose(person: Person | null): void;
}

export function Header(props: HeaderProps) {
  const { session, people, projects, projectId, isPanelOpen, onTogglePanel, onChoose } = props;
  return (
    <header className="header">
      <Mark />
      <nav className="projects" aria-label="Projects">
        {projects?.map(({ id, name }) => (
          <button
            key={id}
            type="button"
            aria-current={id === projectId ? 'page' : undefined}
            onClick={() => goTo({ projectId: id, taskId: null })}
          >
            {name}
          </button>
        ))}
      </nav>
      <div className="header-end">
        <ConnectionDot session={session} />
        <button
          type="button"
          className="quiet panel-toggle"
          aria-pressed={isPanelOpen}
          aria-label="Changes"
          onClick={onTogglePanel}
        >
          <Pulse />
          <span>Changes</span>
        </button>
        <PersonMenu person={session.person} people={people} onChoose={onChoose} />
      </div>
    </header>
  );
}

const STATES = { connecting: 'Connecting', live: 'Live', lost: 'Reconnecting' } as const;

function ConnectionDot({ session }: Pick<HeaderProps, 'session'>) {
  const { state, roundTripMs } = useConnection(session.connection);
  const title = roundTripMs === null ? undefined : `answers within ${roundTripMs} ms`;
  return (
    <span className="connection" data-state={state} role="status" title={title}>
      <span className="dot" />
      <span className="connection-text">{STATES[state]}</span>
    </span>
  );
}

interface PersonMenuProps extends Pick<HeaderProps, 'people' | 'onChoose'> {
  readonly person: Person;
}

function PersonMenu({ person, people, onChoose }: PersonMenuProps) {
  return (
    <>
      <button
        type="button"
        className="person-button"
        popoverTarget="person-menu"
        aria-label={`Signed in as ${person.name}`}
      >
        <Avatar id={person.id} name={person.name} />
      </button>
      <div id="person-menu" className="menu" popover="auto">
        <p>Signed in as {person.name}</p>
        {people
          .filter(({ id }) => id !== person.id)
          .map((other) => (
            <button key={other.id} type="button" onClick={() => onChoose(other)}>
              <Avatar id={other.id} name={other.name} size="small" />
              Become {other.name}
            </button>
          ))}
        <button type="button" onClick={() => onChoose(null)}>
          Sign out
        </button>
      </div>
    </>
  );
}
