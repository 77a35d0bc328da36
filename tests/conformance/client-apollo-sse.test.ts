import { apolloClient } from '../support/client-apollo.js';
import { serveForClients } from '../support/client-server.js';
import { clientSuite } from '../support/client-suite.js';

clientSuite(apolloClient, await serveForClients(), 'sse');
