import { useCallback } from 'react';
import { type AnyVariables, type TypedDocumentNode, useClient } from 'urql';
import { useReport } from './problems.js';

/**
 * Sends mutations; what is refused is reported and answered as `undefined`. What they change
 * arrives by itself.
 */
export function useWrite() {
  const client = useClient();
  const report = useReport();
  return useCallback(
    async <TData, TVariables extends AnyVariables>(
      mutation: TypedDocumentNode<TData, TVariables>,
      variables: TVariables,
    ): Promise<TData | undefined> => {
      const { data, error } = await client.mutation(mutation, variables).toPromise();
      if (error) report(error);
      return error ? undefined : data;
    },
    [client, report],
  );
}
