import { createInterface } from 'node:readline';
import provisioning from 'azure-iot-provisioning-service';
import iothub from 'azure-iothub';
import type { ClientName, OfficialAnswer, OfficialCall } from './official.ts';

/** Reads one call a line, and answers with one line. See official.ts. */
const CLIENTS: Readonly<Record<ClientName, { fromConnectionString(text: string): object }>> = {
  dps: provisioning.ProvisioningServiceClient,
  registry: iothub.Registry,
  client: iothub.Client,
  jobs: iothub.JobClient,
};

interface Query {
  readonly hasMoreResults: boolean;
  readonly continuationToken: string;
  next(continuationToken: string): Promise<Readonly<Record<string, unknown>>>;
}

async function made({ client, connection, method, args }: OfficialCall): Promise<unknown> {
  const made = CLIENTS[client].fromConnectionString(connection);
  const call = Reflect.get(made, method).bind(made);
  if (/^create.*Query$/.test(method)) return pagesOf(call(...args));
  if (method === 'runBulkEnrollmentOperation') {
    // Of azure-iot-provisioning-service 1.11.2, it is the one that never settles unless it is given a callback.
    return new Promise((resolve, reject) =>
      call(...args, (error: unknown, result: unknown) => (error ? reject(error) : resolve(result))),
    );
  }
  return bodyOf(await call(...args));
}

/** Both clients forget the continuation token where `next` is called for a promise without it: the first page for ever. */
async function pagesOf(query: Query): Promise<unknown[]> {
  const pages: unknown[] = [];
  while (query.hasMoreResults) pages.push(bodyOf(await query.next(query.continuationToken)));
  return pages;
}

/** Each client wraps the body under another name. */
function bodyOf(answer: unknown): unknown {
  const fields = new Map<string, unknown>(typeof answer === 'object' && answer !== null ? Object.entries(answer) : []);
  return fields.get('responseBody') ?? fields.get('result') ?? fields.get('jobStatus') ?? null;
}

/** JSON has no dates: `{"$date": "2026-…"}` stands for one. */
function revived(_: string, value: unknown): unknown {
  return typeof value === 'object' && value !== null && '$date' in value ? new Date(String(value.$date)) : value;
}

for await (const line of createInterface(process.stdin)) {
  const answer: OfficialAnswer = await made(JSON.parse(line, revived)).then(
    (value) => ({ value: value ?? null }),
    ({ name, message, response, responseBody }) => ({
      refused: { name, message, status: response?.statusCode, body: responseBody },
    }),
  );
  console.log(JSON.stringify(answer));
}
