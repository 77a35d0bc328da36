import type { GraphiQLOptions } from 'graphql-yoga';

/** The document that the page shows first. */
export interface GraphiQLSettings {
  readonly document: string | undefined;
  /** Sent with every request of the page. Handed only to a browser on this very machine. */
  readonly token: string | undefined;
}

/**
 * GraphiQL for one request. Subscriptions go over WebSocket. The token is left out unless the
 * request is local: a foreign page whose name was made to point here (DNS rebinding) must not read
 * it, nor may clients behind a proxy on this machine.
 */
export function graphiqlOptions(settings: GraphiQLSettings, isLocal: boolean): PageOptions {
  const token = isLocal ? settings.token : undefined;
  const headers =
    token === undefined ? undefined : JSON.stringify({ Authorization: `Bearer ${token}` }, null, 2);
  return {
    title: 'Rivulet',
    subscriptionsProtocol: 'WS',
    shouldPersistHeaders: false,
    ...(headers !== undefined && {
      headers,
      defaultHeaders: headers,
      defaultEditorToolsVisibility: 'headers',
    }),
    ...(settings.document !== undefined && { query: settings.document }),
  };
}

interface PageOptions extends GraphiQLOptions {
  /**
   * The document of the open tab at each visit; `defaultQuery` holds for the first one only, and a
   * reload then opens an empty tab. Yoga's page hands it on, its types do not name it.
   */
  readonly query?: string;
}
