import { apolloClient } from '../support/client-apollo.js';
import { clientRandom } from '../support/client-random.js';
import { serveForClients } from '../support/client-server.js';
import { workloadRows } from '../support/workload.js';

clientRandom(apolloClient, await serveForClients(workloadRows));
