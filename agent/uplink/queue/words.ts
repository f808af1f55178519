import { type Failure, Fault, failure } from '../../failure/failure.ts';
import { diskWords } from '../../state/durable.ts';

/** A message was not written. */
export const unstored = (directory: string, cause: unknown): Fault =>
  new Fault('NL-UPLINK-DISK', { message: `${directory} cannot be written: ${diskWords(cause)}.`, cause });

export const unread = (directory: string, cause: unknown): Fault =>
  new Fault('NL-UPLINK-DISK', {
    message: `${directory} cannot be read: ${diskWords(cause)}.`,
    advice: 'Look at the disk and at the owner of the directory. Its messages stay until they can be read.',
    cause,
  });

export const closed = (directory: string): Fault =>
  new Fault('NL-UPLINK-DISK', {
    message: `${directory} takes no message any more, because newleaf ends.`,
    advice: 'Nothing to do: the program sends the message again.',
  });

export const scarce = (directory: string): Fault =>
  new Fault('NL-UPLINK-DISK', {
    message: `${directory} takes no message: the last bytes of its file system are kept for the state of the leaf.`,
  });

export const behind = (directory: string): Fault =>
  new Fault('NL-UPLINK-FULL', {
    message: `${directory} takes no message behind one that it has refused.`,
    advice: 'Nothing to do: the program sends both again, in their order.',
  });

export const full = (directory: string, count: number, bytes: number, maxBytes: number): Fault =>
  new Fault('NL-UPLINK-FULL', {
    message: `${directory} holds ${count} messages, ${bytes} of ${maxBytes} bytes: a new message is refused.`,
  });

export const damage = (path: string): Failure =>
  failure('NL-UPLINK-DISK', {
    message: `Messages in ${path} are lost: their bytes have changed on disk, or cannot be read.`,
    advice: 'Look at the disk: it forgets what was written.',
  });

export const ofOtherFormat = (directory: string, files: number): Failure =>
  failure('NL-UPLINK-DISK', {
    message: `${directory} holds messages in a format that this newleaf does not read (files: ${files}). They stay as they are.`,
    advice: 'Install the newleaf that wrote them again: it sends them.',
  });

/** @param why nothing can be written */
export const unnoted = (why: Fault): Failure =>
  failure('NL-UPLINK-DISK', {
    message: `${why.failure.message} After a restart, messages are sent a second time.`,
    cause: why.cause,
  });

export const unremoved = (path: string, cause: unknown): Failure =>
  failure('NL-UPLINK-DISK', {
    message: `${path} cannot be removed: ${diskWords(cause)}. No message in it is needed.`,
    advice: 'Look at the disk. The next start of newleaf tries it again.',
    cause,
  });
