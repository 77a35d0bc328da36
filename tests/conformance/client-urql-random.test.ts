import { clientRandom } from '../support/client-random.js';
import { serveForClients } from '../support/client-server.js';
import { urqlClient } from '../support/client-urql.js';
import { workloadRows } from '../support/workload.js';

clientRandom(urqlClient, await serveForClients(workloadRows));
