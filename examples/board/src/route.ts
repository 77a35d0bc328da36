import { useSyncExternalStore } from 'react';

/** The open project and task in the address: `#/project/1/task/3`. */
export interface Route {
  readonly projectId: string | null;
  readonly taskId: string | null;
}

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
}

export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  const [, projectId = null, taskId = null] = /^#\/project\/([^/]+)(?:\/task\/([^/]+))?$/.exec(hash) ?? [];
  return { projectId, taskId };
}

export function goTo({ projectId, taskId }: Route): void {
  location.hash =
    projectId === null ? '' : `/project/${projectId}${taskId === null ? '' : `/task/${taskId}`}`;
}
