import { apolloSuite } from '../support/client-apollo-suite.js';
import { serveForClients } from '../support/client-server.js';

apolloSuite(await serveForClients());
