/**
 * Words that newleaf did not write (of a server, certificate, token or file), for a text of ours: between backticks they would be
 * taken for a command of newleaf.
 */
export const foreign = (words: string): string => words.replaceAll('`', "'");
