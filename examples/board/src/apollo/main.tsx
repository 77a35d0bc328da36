import { ApolloProvider } from '@apollo/client/react';
import { createRoot } from 'react-dom/client';
import { fetchPeople, rememberedPerson } from '../session/people.js';
import { Mark } from '../ui/icons.js';
import { createApollo } from './client.js';
import { OpenTasks } from './open-tasks.js';
import '../styles/base.css';
import '../styles/apollo.css';

const people = await fetchPeople();
const person = rememberedPerson(people) ?? people[0];

createRoot(document.getElementById('root')!).render(
  <main className="page">
    <header>
      <Mark />
      <h1>Open tasks</h1>
      <p>
        {person ? `of ${person.name}, with Apollo Client` : 'Sign in at the board first'} ·{' '}
        <a href="/">to the board</a>
      </p>
    </header>
    {person && (
      <ApolloProvider client={createApollo(person.token)}>
        <OpenTasks />
      </ApolloProvider>
    )}
  </main>,
);
