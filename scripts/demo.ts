import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { powerCut, secondHub, technician, unknownLeaf } from './demonstration/gateway-stories.ts';
import { firstProvisioning, refusedLeaf, reprovision, roll, theft } from './demonstration/leaf-stories.ts';
import { playground } from './demonstration/playground.ts';
import { openStage, type Stage } from './demonstration/stage.ts';

const { stay } = parseArgs({ options: { stay: { type: 'boolean' } } }).values;

const OPENING = `
newleaf in eight stories: a gateway gets its leaf, rolls it, and keeps it
through a refusal, a power cut and a move. All of it is on this machine: the
gateway has a SoftHSM token; DPS, hubs and CA are simulated. Nothing stays behind.

Each line is what the far side saw, or what is in the token.`;

const CLOSING = `
All eight stories happened. What to type next:
  scripts/demo --stay             the same, and leaves it running to play with
  scripts/package deb amd64       makes the package for a gateway (or arm64)
  README.md, "Set up a gateway"    and what is not proven`;

async function play(stage: Stage): Promise<void> {
  await firstProvisioning(stage);
  theft(stage);
  await reprovision(stage);
  await roll(stage);
  await refusedLeaf(stage);
  await powerCut(stage);
  await unknownLeaf(stage);
  await secondHub(stage);
  await technician(stage);
}

console.log(OPENING);
const interrupted = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
const stage = await openStage();
const { far, gateway } = stage;
try {
  const isPlayed = await Promise.race([play(stage).then(() => true), interrupted.then(() => false)]);
  if (!isPlayed) process.exitCode = 1;
  else if (stay === true) {
    console.log(playground(stage));
    await interrupted;
  } else console.log(CLOSING);
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : error}`);
  console.error(gateway.log.tail());
  console.error(gateway.noise);
  process.exitCode = 1;
} finally {
  await gateway.remove();
  await far.close();
}
