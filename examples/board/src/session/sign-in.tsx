import { type FormEvent, useState } from 'react';
import { Avatar } from '../ui/avatar.js';
import { Mark } from '../ui/icons.js';
import { type Person, personOfToken } from './people.js';

interface SignInProps {
  readonly people: readonly Person[];
  onChoose(person: Person): void;
}

export function SignIn({ people, onChoose }: SignInProps) {
  return (
    <main className="sign-in">
      <div className="sign-in-card">
        <Mark size={44} />
        <h1>Who is at the board?</h1>
        {people.length > 0 ? (
          <>
            <p>Each of them sees other projects. Choose somebody else in a second window, and watch both.</p>
            <ul className="people-list">
              {people.map((person) => (
                <li key={person.id}>
                  <button type="button" onClick={() => onChoose(person)}>
                    <Avatar id={person.id} name={person.name} size="large" />
                    <span>{person.name}</span>
                  </button>
                </li>
              ))}
            </ul>
          </>
        ) : (
          <PasteToken onChoose={onChoose} />
        )}
      </div>
    </main>
  );
}

function PasteToken({ onChoose }: Pick<SignInProps, 'onChoose'>) {
  const [isWrong, setWrong] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const token = String(new FormData(event.currentTarget).get('token')).trim();
    const person = personOfToken(token);
    setWrong(person === null);
    if (person !== null) onChoose(person);
  };
  return (
    <form className="paste-token" onSubmit={submit}>
      <p>
        This server hands out no tokens. Paste one, as <code>rivulet token 1</code> prints it.
      </p>
      <textarea name="token" rows={4} required aria-label="Token" spellCheck={false} />
      {isWrong && <p className="wrong">That is not a token.</p>}
      <button type="submit" className="primary">
        Sign in
      </button>
    </form>
  );
}
