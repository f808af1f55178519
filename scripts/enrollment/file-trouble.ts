const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory',
  ENOTDIR: 'a part of its path is no directory',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
};

/** Why a file cannot be read or written, after a colon. Node repeats its path, and the name of the system call. */
export const fileTrouble = ({ code = '', message }: NodeJS.ErrnoException): string => WORDS[code] ?? message;
