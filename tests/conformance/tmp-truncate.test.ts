import { serveForClients } from '../support/client-server.js';
import { clientRandom } from '../support/client-truncate.js';
import { urqlClient } from '../support/client-urql.js';
import { workloadRows } from '../support/workload.js';

clientRandom(urqlClient, await serveForClients(workloadRows));
