import { useEffect, useState } from 'react';
import { useClient } from 'urql';
import type { TaskChangesSubscription } from '../../../../client/generated/graphql.js';
import { TASK_CHANGES } from '../documents.js';

export type Message = TaskChangesSubscription['taskChanges'];

/** As many as one would scroll through. */
const KEPT = 60;

/** The messages that this window received, newest first. */
export function useChanges(projectId: string | null): readonly Message[] {
  const client = useClient();
  const [messages, setMessages] = useState<readonly Message[]>([]);
  useEffect(() => {
    setMessages([]);
    if (projectId === null) return;
    const { unsubscribe } = client.subscription(TASK_CHANGES, { projectId }).subscribe(({ data }) => {
      const message = data?.taskChanges;
      if (message) setMessages((current) => [message, ...current].slice(0, KEPT));
    });
    return unsubscribe;
  }, [client, projectId]);
  return messages;
}
