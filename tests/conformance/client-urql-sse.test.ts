import { serveForClients } from '../support/client-server.js';
import { clientSuite } from '../support/client-suite.js';
import { urqlClient } from '../support/client-urql.js';

clientSuite(urqlClient, await serveForClients(), 'sse');
