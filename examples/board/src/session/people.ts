/**
 * Somebody to sign in as. The development server hands out a token for each of the seeded people.
 */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly token: string;
}

/** Nobody where the server does not hand out tokens: then a token must be pasted. */
export async function fetchPeople(): Promise<readonly Person[]> {
  try {
    const response = await fetch('/development/people');
    return response.ok ? ((await response.json()) as readonly Person[]) : [];
  } catch {
    return [];
  }
}

/** Key in the window's own storage, so that two windows can be two people. */
const KEY = 'rivulet.board.person';

export function rememberPerson(person: Person | null): void {
  if (person === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, person.id);
}

export function rememberedPerson(people: readonly Person[]): Person | null {
  const id = sessionStorage.getItem(KEY);
  return people.find((person) => person.id === id) ?? null;
}

/** The person that a token names. Only the server verifies it. */
export function personOfToken(token: string): Person | null {
  try {
    const payload = token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/');
    const { sub } = JSON.parse(atob(payload)) as { readonly sub?: unknown };
    return typeof sub === 'string' ? { id: sub, name: `user ${sub}`, token } : null;
  } catch {
    return null;
  }
}
