import { useEffect, useState } from 'react';
import { fetchPeople, type Person, rememberedPerson, rememberPerson } from './session/people.js';
import { openSession, type Session } from './session/session.js';
import { SignIn } from './session/sign-in.js';
import { Workspace } from './workspace.js';

/** The sign-in, and then the board of the chosen person. */
export function App() {
  const [people, setPeople] = useState<readonly Person[]>();
  const [person, setPerson] = useState<Person | null>(null);

  useEffect(() => {
    let isCurrent = true;
    void fetchPeople().then((found) => {
      if (!isCurrent) return;
      setPeople(found);
      setPerson(rememberedPerson(found));
    });
    return () => {
      isCurrent = false;
    };
  }, []);

  const choose = (chosen: Person | null) => {
    rememberPerson(chosen);
    setPerson(chosen);
  };

  if (people === undefined) return null;
  if (person === null) return <SignIn people={people} onChoose={choose} />;
  return <SignedIn key={person.token} person={person} people={people} onChoose={choose} />;
}

interface SignedInProps {
  readonly person: Person;
  readonly people: readonly Person[];
  onChoose(person: Person | null): void;
}

/** One session as long as one person is signed in. */
function SignedIn({ person, people, onChoose }: SignedInProps) {
  const [session, setSession] = useState<Session>();
  useEffect(() => {
    const opened = openSession(person);
    setSession(opened);
    return () => opened.close();
  }, [person]);
  if (session === undefined) return null;
  return <Workspace session={session} people={people} onChoose={onChoose} />;
}
