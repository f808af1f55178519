import { type Mutation, of } from './mutation.ts';

/** Losses around the machine: between its decision and the disk, the token and the network. */
export const EDGES: readonly Mutation[] = [
  of('daemon/lane.ts', 'two registrations are in flight at once', '      if (this.#flight !== flight) return;\n', ''),
  of('daemon/lane.ts', 'what was replaced goes on beside it', '    this.#flight?.abort.abort();\n', ''),
  of('daemon/lane.ts', 'a gateway that was moved stays at its hub', 'placeOf(effect.assignment)', "''"),
  of(
    'daemon/daemon.ts',
    'a full disk keeps a process whose module is lost',
    'this.#persistence.failure === undefined || this.#state.poisoned === before.poisoned',
    'this.#persistence.failure === undefined',
  ),
  of(
    'daemon/daemon.ts',
    'a module poisons each process in the same way',
    'if (advanced.restart && isNoted) {',
    'if (advanced.restart) {',
  ),
  of(
    'network/beside.ts',
    'a session over the second way ends as soon as it is made',
    '    if (this.#isTaken) return;\n    this.#left',
    '    this.#left',
  ),
  of(
    'state/durable.ts',
    'a state that was written is the old one after a power cut',
    '    await syncDirectory(dirname(path));\n  } catch (cause) {',
    '  } catch (cause) {',
  ),
  of('keys/trusted.ts', 'DPS trusts a key that a power cut takes away', '        await onDisk;\n', ''),
];
