import { suite, test } from 'node:test';
import { daemon } from '../unit/control/daemon.ts';
import { scratch } from '../unit/state/disk.ts';
import { dpsAnswers, estAnswers, issuingAnswers, methodCalls, topics, twins } from './far-side.ts';
import { configurations, deliveries, journals, requests } from './files.ts';
import { hear, INPUTS, SEED } from './laws.ts';
import { papers } from './papers.ts';
import { programs, servingPrograms } from './programs.ts';
import { dpsSession, hubSession } from './sessions.ts';
import { broker, control, proxies, webSockets } from './sockets.ts';

/** Of a hundred inputs. */
const of = (share: number): number => Math.ceil((INPUTS * share) / 100);

suite(`nonsense breaks no law: INPUTS=${INPUTS} SEED=${SEED}`, async () => {
  const issued = await papers();
  for (const [reader, share] of [
    [dpsAnswers, 14],
    [estAnswers(issued), 8],
    [issuingAnswers(issued), 10],
    [methodCalls, 14],
    [topics, 14],
    [twins, 10],
    [deliveries(issued), 8],
    [configurations, 8],
    [requests, 6],
    [programs, 2],
  ] as const)
    test(reader.name, (t) => hear(t, reader, of(share)));
  test('journal', (t) => hear(t, journals(scratch(t)), of(2)));

  test('control', async (t) => hear(t, control(await daemon(t)), of(1)));
  test('broker', async (t) => {
    const { sensors, meter } = await servingPrograms(t);
    await using reader = await broker(sensors, meter);
    await hear(t, reader, of(1));
  });
  test('websockets', async (t) => hear(t, await webSockets(t), of(1)));
  test('proxy', async (t) => hear(t, await proxies(t), of(0.5)));
  test('hub', async (t) => {
    await using reader = await hubSession();
    await hear(t, reader, of(0.3));
  });
  test('dps-session', async (t) => {
    await using reader = await dpsSession();
    await hear(t, reader, of(0.2));
  });
});
